import { z } from 'zod'

/** As much of an AsyncAPI document as the page shows. */
const Shown = z.object({
  info: z.object({ title: z.string(), version: z.string(), description: z.string() }),
  channels: z.record(z.string(), z.object({ address: z.string(), description: z.string() })),
  components: z.object({
    messages: z.record(z.string(), z.object({ name: z.string(), summary: z.string() })),
    schemas: z.record(
      z.string(),
      z.object({
        required: z.array(z.string()),
        properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })),
      }),
    ),
  }),
})

const escaped = (text: string) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
const row = (...cells: string[]) => `<tr>${cells.map((cell) => `<td>${cell}</td>`).join('')}</tr>`

/** One file without a script: the official renderer is 2.7 MB of one, for a page with two tables. */
export function asyncApiPage(document: object): string {
  const { info, channels, components } = Shown.parse(document)
  const schemas = Object.entries(components.schemas).map(
    ([name, { required, properties }]) => `
<h2>${escaped(name)}</h2>
<table>
<tr><th>field</th><th>type</th><th></th></tr>
${Object.entries(properties)
  .map(([field, { description = '', ...type }]) =>
    row(
      `<code>${escaped(field)}</code>${required.includes(field) ? '' : ' (may be missing)'}`,
      `<code>${escaped(typeOf(type))}</code>`,
      escaped(description),
    ),
  )
  .join('\n')}
</table>`,
  )
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${escaped(info.title)}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; background: #fff }
table { border-collapse: collapse; width: 100% } th, td { text-align: left; vertical-align: top; padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #d8dee4 }
code { font-size: .9em } @media (prefers-color-scheme: dark) { body { color: #e6edf3; background: #0d1117 } th, td { border-color: #30363d } }
</style>
<h1>${escaped(info.title)} <small>${escaped(info.version)}</small></h1>
<p>${escaped(info.description)}</p>
${Object.values(channels)
  .map(({ address, description }) => `<p><code>${escaped(address)}</code>: ${escaped(description)}</p>`)
  .join('\n')}
<h2>Events</h2>
<table>
${Object.values(components.messages)
  .map(({ name, summary }) => row(`<code>${escaped(name)}</code>`, escaped(summary)))
  .join('\n')}
</table>${schemas.join('\n')}
<p>Generated from the schemas by <code>npm run asyncapi</code>; <a href="asyncapi.json">the AsyncAPI document</a>.</p>
</html>
`
}

/** In a few words: the document has the rest. */
function typeOf(schema: Record<string, unknown>): string {
  const { type, format, anyOf, const: only, enum: values } = schema
  if (only !== undefined) return JSON.stringify(only)
  if (Array.isArray(values)) return values.join(' | ')
  if (Array.isArray(anyOf)) return anyOf.map((one) => typeOf(one as Record<string, unknown>)).join(' or ')
  return typeof format === 'string' ? format : typeof type === 'string' ? type : 'any'
}
