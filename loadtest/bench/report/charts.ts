import { COLOURS, drawSvg } from '../../../dev/draw-svg.ts'
import { readings } from '../figures.ts'
import type { BenchRun, Rush } from '../results.ts'
import { amount } from './table.ts'

const RUSH_HEIGHT = 300

/**
 * An SVG: what the shop does a second beside what its rivals do; and the peak on the light side, the plain on the heavy
 * one, the queue between them.
 */
export function picture({ rounds, options, rush }: BenchRun): string {
  const bars = readings(rounds)
    .filter(({ figure: { section, id } }) => section === 'rates per second' && id !== 'plain')
    .map(({ figure: { id, label }, median: value }) => {
      const color = id.startsWith('naive') ? COLOURS.rival : id === 'hello' ? COLOURS.yardstick : COLOURS.ours
      return { name: label, value, itemStyle: { color } }
    })
  const below = 60 + bars.length * 28
  const title = (text: string, top: number) => ({ text, left: 10, top })
  const ofRush = { gridIndex: 1, type: 'value' }
  const option = {
    title: [
      title(`Per second, ${options.connections} connections`, 8),
      title('A rush meets a steady order service', below + 10),
    ],
    legend: { top: below + 40, left: 10, itemGap: 36, data: ['waiting', 'accepted per second', 'orders per second'] },
    grid: [
      // Without a browser no text can be measured: the room for labels is given.
      { left: 300, right: 80, top: 45, height: bars.length * 28 },
      { left: 70, right: 70, top: below + 90, height: RUSH_HEIGHT - 125 },
    ],
    xAxis: [
      { type: 'value', axisLabel: { show: false }, splitLine: { show: false } },
      { ...ofRush, min: 0, axisLabel: { formatter: '{value} s' }, splitLine: { show: false } },
    ],
    yAxis: [
      { type: 'category', inverse: true, data: bars.map(({ name }) => name), axisTick: { show: false } },
      { ...ofRush, name: 'per second' },
      { ...ofRush, name: 'waiting', splitLine: { show: false } },
    ],
    series: [
      {
        type: 'bar',
        barMaxWidth: 20,
        data: bars,
        label: { show: true, position: 'right', formatter: ({ value }: { value: number }) => amount(value) },
      },
      ...(rush ? rushLines(rush) : []),
    ],
  }
  return drawSvg(option, { width: 900, height: below + RUSH_HEIGHT })
}

function rushLines({ moments }: Rush): object[] {
  const line = (name: string, color: string, yAxisIndex: number, data: number[][]) => {
    const style = { showSymbol: false, lineStyle: { color }, itemStyle: { color } }
    const area = yAxisIndex === 2 ? { areaStyle: { color } } : {}
    return { name, type: 'line', xAxisIndex: 1, yAxisIndex, data, ...style, ...area }
  }
  const waiting = moments.map(({ atMs, accepted, orders }) => [atMs / 1_000, Math.max(0, accepted - orders)])
  return [
    line('waiting', COLOURS.waiting, 2, waiting),
    line('accepted per second', COLOURS.ours, 1, rates(moments, 'accepted')),
    line('orders per second', COLOURS.orders, 1, rates(moments, 'orders')),
  ]
}

/** Over fewer than eight looks a rate is mostly noise. */
const SMOOTHED_OVER = 8

function rates(moments: Rush['moments'], what: 'accepted' | 'orders'): number[][] {
  return moments.slice(1).flatMap((now, i) => {
    const before = moments[Math.max(0, i + 1 - SMOOTHED_OVER)]
    return before ? [[now.atMs / 1_000, (now[what] - before[what]) / ((now.atMs - before.atMs) / 1_000)]] : []
  })
}
