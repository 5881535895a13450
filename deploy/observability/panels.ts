export interface Panel {
  title: string
  /** A graph unless it is one number of the shown range. */
  isNumber?: boolean
  /** By Grafana's names. */
  unit: 'short' | 's' | 'percentunit' | 'ops' | 'bytes' | 'ms'
  /** Expression and legend. */
  queries: [expr: string, legend: string][]
}

export const RATE = '[$__rate_interval]'

export const graph = (title: string, unit: Panel['unit'], ...queries: Panel['queries']): Panel => ({
  title,
  unit,
  queries,
})
