import { type Reading, readings } from '../figures.ts'
import type { BenchRun } from '../results.ts'
import { acceptedChart, refusedChart } from './bars.ts'
import { svg } from './chart.ts'
import { cpuChart } from './cpu-chart.ts'
import { latencyChart } from './latency-chart.ts'
import { peakChart } from './peak-chart.ts'
import { amount, disturbanceLine, headline } from './table.ts'

/** One page that needs nothing else: no script, no font, no network. */
export function page(run: BenchRun): string {
  const charts = [acceptedChart(run), refusedChart(run), latencyChart(run), cpuChart(run), peakChart(run)]
  const all = readings(run.rounds)
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Seckill bench, ${run.at.slice(0, 10)}</title>
<style>
  body { font: 15px/1.5 system-ui, sans-serif; color: #222; max-width: 920px; margin: 2rem auto; padding: 0 1rem }
  h1 { font-size: 1.4rem; margin: 0 } p { color: #555 } svg { max-width: 100%; height: auto; margin: .5rem 0 }
  table { border-collapse: collapse; width: 100%; margin: 1rem 0 } th, td { padding: .25rem .6rem; border-bottom: 1px solid #ddd; text-align: right }
  th:first-child, td:first-child { text-align: left } .missed { color: #b00020; font-weight: 600 } .met { color: #00695c; font-weight: 600 }
</style>
<h1>Seckill bench</h1>
<p>${escaped(headline(run))}</p>
<p>${escaped(disturbanceLine(run))}</p>
${run.unexpected.map((line) => `<p class="missed">${escaped(line)}</p>`).join('\n')}
${charts.flatMap((chart) => (chart ? [svg(chart)] : [])).join('\n')}
<table>
<tr><th>figure</th><th>median</th><th>lowest – highest round</th><th>must</th><th>aim</th><th></th></tr>
${all.map(row).join('\n')}
</table>
</html>
`
}

function row({ figure, median, low, high, verdict }: Reading): string {
  const { label, digits, must, aim, section } = figure
  const cells = [
    `${label}${section === 'milliseconds' ? ', ms' : section === 'rates per second' ? ', per second' : ''}`,
    amount(median, digits),
    `${amount(low, digits)} – ${amount(high, digits)}`,
    must ?? '',
    aim ?? '',
  ]
  return `<tr>${cells.map((cell) => `<td>${escaped(String(cell))}</td>`).join('')}<td class="${verdict === 'missed' ? 'missed' : 'met'}">${verdict ?? ''}</td></tr>`
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
