import type { Dashboard } from './dashboards.ts'
import type { Panel } from './panels.ts'

/** Of the data source that compose provisions. */
const DATASOURCE = { type: 'prometheus', uid: 'prometheus' }
const SCHEMA = 39
const COLUMNS = 3
const WIDTH = 24 / COLUMNS
const HEIGHT = 8

/** A dashboard in Grafana's format, for its provisioning. */
export function grafanaJson({ id, title, panels }: Dashboard): string {
  const dashboard = {
    uid: `seckill-${id}`,
    title: `Seckill: ${title}`,
    tags: ['seckill'],
    timezone: 'browser',
    schemaVersion: SCHEMA,
    editable: false,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    links: [{ type: 'dashboards', tags: ['seckill'], title: 'Seckill', asDropdown: true }],
    panels: panels.map(panelJson),
  }
  return `${JSON.stringify(dashboard, null, 2)}\n`
}

function panelJson({ title, isNumber = false, unit, queries }: Panel, index: number): object {
  return {
    id: index + 1,
    title,
    type: isNumber ? 'stat' : 'timeseries',
    datasource: DATASOURCE,
    gridPos: { x: (index % COLUMNS) * WIDTH, y: Math.floor(index / COLUMNS) * HEIGHT, w: WIDTH, h: HEIGHT },
    fieldConfig: { defaults: { unit, min: isNumber ? undefined : 0 }, overrides: [] },
    options: isNumber ? { reduceOptions: { calcs: ['lastNotNull'] } } : { legend: { displayMode: 'list' } },
    targets: queries.map(([expr, legendFormat], i) => ({
      refId: String.fromCharCode(65 + i),
      datasource: DATASOURCE,
      expr,
      legendFormat,
      ...(isNumber && { instant: true }),
    })),
  }
}
