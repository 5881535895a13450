import { stringify } from 'yaml'

export interface ScrapeJob {
  job: string
  /** Where it listens, or the DNS name of all its replicas. */
  at: { address: string } | { name: string; port: number }
  /** Holds METRICS_TOKEN; only for our services, since others would learn it. */
  tokenFile?: string | undefined
}

export interface PrometheusOptions {
  jobs: ScrapeJob[]
  rulesFile: string
  /** Of scrapes and of the rules. */
  interval: string
}

/** Prometheus' configuration. */
export function prometheusConfig({ jobs, rulesFile, interval }: PrometheusOptions): string {
  return stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [rulesFile],
    scrape_configs: jobs.map(({ job, at, tokenFile }) => ({
      job_name: job,
      ...(tokenFile && { authorization: { credentials_file: tokenFile } }),
      ...('address' in at
        ? { static_configs: [{ targets: [at.address] }] }
        : { dns_sd_configs: [{ names: [at.name], type: 'A', port: at.port }] }),
    })),
  })
}
