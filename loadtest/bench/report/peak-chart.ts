import type { BenchRun, PeakMoment } from '../results.ts'
import { type Chart, COLOURS, LEGEND_GAP, TEXT, TITLE, UNDER_LEGEND } from './chart.ts'

/** Two looks lie 250 ms apart; over fewer than four of them a rate is mostly noise. */
const SMOOTHED_OVER = 4

/** The peak on the light side, the plain on the heavy one, and the queue between them. */
export function peakChart({ peak }: BenchRun): Chart {
  const line = (name: string, colour: string, values: [number, number][]) => ({
    name,
    type: 'line',
    showSymbol: false,
    lineStyle: { width: 2.5, color: colour },
    itemStyle: { color: colour },
    data: values,
  })
  return {
    height: 340,
    option: {
      title: { text: 'A rush meets a steady order service', ...TITLE },
      legend: { top: 36, left: 10, itemGap: LEGEND_GAP, textStyle: TEXT },
      grid: UNDER_LEGEND,
      xAxis: {
        type: 'value',
        min: 0,
        max: Math.ceil((peak.at(-1)?.atMs ?? 0) / 1_000),
        axisLabel: { ...TEXT, formatter: '{value} s' },
        splitLine: { show: false },
      },
      yAxis: [
        { type: 'value', name: 'per second', axisLabel: TEXT },
        { type: 'value', name: 'waiting', axisLabel: TEXT, splitLine: { show: false } },
      ],
      series: [
        {
          ...line(
            'reservations waiting',
            COLOURS.waiting,
            peak.map(({ atMs, waiting }) => [atMs / 1_000, waiting]),
          ),
          yAxisIndex: 1,
          areaStyle: { color: COLOURS.waiting, opacity: 0.6 },
        },
        line('accepted per second', COLOURS.ours, rates(peak, 'accepted')),
        line('orders written per second', COLOURS.orders, rates(peak, 'orders')),
      ],
    },
  }
}

function rates(peak: PeakMoment[], what: 'accepted' | 'orders'): [seconds: number, perSecond: number][] {
  return peak.slice(1).flatMap((now, i) => {
    const before = peak[Math.max(0, i + 1 - SMOOTHED_OVER)]
    return before
      ? [[now.atMs / 1_000, (now[what] - before[what]) / ((now.atMs - before.atMs) / 1_000)] as [number, number]]
      : []
  })
}
