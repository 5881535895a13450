import { graph, type Panel, RATE } from './panels.ts'

/** Of what the exporters of Redis, PostgreSQL and RabbitMQ export; they run in the compose profile `observability`. */
export const SERVER_PANELS: readonly Panel[] = [
  graph(
    'Redis: commands',
    'ops',
    [`sum(rate(redis_commands_processed_total${RATE}))`, 'commands'],
    [`sum(rate(redis_total_error_replies${RATE}))`, 'refused or failed'],
  ),
  graph('Redis: CPU, in cores (it has one)', 'short', [
    `sum(rate(redis_cpu_user_seconds_total${RATE})) + sum(rate(redis_cpu_sys_seconds_total${RATE}))`,
    'used',
  ]),
  // Nothing is evicted: when memory is used up, purchases are refused.
  graph(
    'Redis: memory',
    'bytes',
    ['sum(redis_memory_used_bytes)', 'used'],
    ['sum(redis_memory_max_bytes)', 'there may be'],
  ),
  graph(
    'Redis: clients',
    'short',
    ['sum(redis_connected_clients)', 'connected'],
    [`sum(increase(redis_rejected_connections_total${RATE}))`, 'turned away'],
  ),
  // An answer waits for the sync of the log.
  graph(
    'Redis: log of writes',
    'short',
    [`sum(increase(redis_aof_delayed_fsync${RATE}))`, 'late syncs'],
    ['sum(redis_aof_rewrite_in_progress)', 'rewrites running'],
  ),
  graph(
    'PostgreSQL: transactions',
    'ops',
    [`sum(rate(pg_stat_database_xact_commit${RATE}))`, 'committed'],
    [`sum(rate(pg_stat_database_xact_rollback${RATE}))`, 'rolled back'],
  ),
  graph(
    'PostgreSQL: rows written',
    'ops',
    [`sum(rate(pg_stat_database_tup_inserted${RATE}))`, 'inserted'],
    [`sum(rate(pg_stat_database_tup_updated${RATE}))`, 'updated'],
    [`sum(rate(pg_stat_database_tup_deleted${RATE}))`, 'deleted'],
  ),
  graph(
    'PostgreSQL: connections',
    'short',
    ['sum by (state) (pg_stat_activity_count)', '{{state}}'],
    ['max(pg_settings_max_connections)', 'there may be'],
  ),
  graph('PostgreSQL: longest transaction', 's', [
    'max by (state) (pg_stat_activity_max_tx_duration{state!="idle"})',
    '{{state}}',
  ]),
  graph(
    'PostgreSQL: locks',
    'short',
    ['sum by (mode) (pg_locks_count) > 0', '{{mode}}'],
    [`sum(increase(pg_stat_database_deadlocks${RATE}))`, 'deadlocks'],
  ),
  graph('PostgreSQL: size', 'bytes', ['sum by (datname) (pg_database_size_bytes)', '{{datname}}']),
  graph(
    'RabbitMQ: messages',
    'short',
    ['sum(rabbitmq_queue_messages_ready)', 'waiting'],
    ['sum(rabbitmq_queue_messages_unacked)', 'with a consumer'],
  ),
  graph(
    'RabbitMQ: rates',
    'ops',
    [`sum(rate(rabbitmq_global_messages_received_total${RATE}))`, 'published'],
    [`sum(rate(rabbitmq_global_messages_confirmed_total${RATE}))`, 'confirmed'],
    [`sum(rate(rabbitmq_global_messages_acknowledged_total${RATE}))`, 'acknowledged'],
  ),
  graph(
    'RabbitMQ: connections',
    'short',
    ['sum(rabbitmq_connections)', 'connections'],
    ['sum(rabbitmq_channels)', 'channels'],
  ),
  // Above the limit, and with less disk than the limit, it blocks publishing.
  graph(
    'RabbitMQ: memory',
    'bytes',
    ['sum(rabbitmq_process_resident_memory_bytes)', 'used'],
    ['sum(rabbitmq_resident_memory_limit_bytes)', 'limit'],
  ),
  graph(
    'RabbitMQ: free disk',
    'bytes',
    ['min(rabbitmq_disk_space_available_bytes)', 'free'],
    ['max(rabbitmq_disk_space_available_limit_bytes)', 'limit'],
  ),
]
