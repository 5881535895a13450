import { stringify } from 'yaml'

export interface ScrapeJob {
  job: string
  /** Where it listens, or the DNS name of all its replicas. */
  at: { address: string } | { name: string; port: number }
}

export interface PrometheusOptions {
  jobs: ScrapeJob[]
  rulesFile: string
  /** Of scrapes and of the rules. */
  interval: string
  /** Holds METRICS_TOKEN. */
  tokenFile?: string | undefined
}

/** Prometheus' configuration. */
export function prometheusConfig({ jobs, rulesFile, interval, tokenFile }: PrometheusOptions): string {
  return stringify({
    global: { scrape_interval: interval, scrape_timeout: interval, evaluation_interval: interval },
    rule_files: [rulesFile],
    scrape_configs: jobs.map(({ job, at }) => ({
      job_name: job,
      ...(tokenFile && { authorization: { credentials_file: tokenFile } }),
      ...('address' in at
        ? { static_configs: [{ targets: [at.address] }] }
        : { dns_sd_configs: [{ names: [at.name], type: 'A', port: at.port }] }),
    })),
  })
}
