import { join } from 'node:path'

export interface Welcome {
  folder: string
  settings: NodeJS.ProcessEnv
  saleId?: string | undefined
  seconds: number
}

/** What a person needs next: addresses, and a first purchase to copy. */
export function welcome({ folder, settings, saleId, seconds }: Welcome): string {
  const gateway = forPeople(settings.GATEWAY_URL)
  const rows = [
    ['Shop', gateway],
    ['Its API', `${gateway}/docs`],
    // In the fragment, which a browser does not send; the page reads it there.
    [
      'Control room',
      settings.CONTROL_ROOM_URL && `${forPeople(settings.CONTROL_ROOM_URL)}/#token=${settings.ADMIN_TOKEN}`,
    ],
    ['RabbitMQ', settings.RABBITMQ_MANAGEMENT_URL && `${forPeople(settings.RABBITMQ_MANAGEMENT_URL)} (guest, guest)`],
    ['Logs', join(folder, 'logs')],
    ['Tokens, other URLs', 'npm run -s urls'],
  ].flatMap(([what, where]) => (where ? [`  ${what?.padEnd(20)}${where}`] : []))
  return `\nReady after ${seconds.toFixed(1)} s. Ctrl-C stops everything and keeps the data; npm run reset clears it.\n\n${rows.join('\n')}\n${saleId ? firstPurchase(gateway.replace('http://', ''), saleId) : ''}`
}

function firstPurchase(gateway: string, saleId: string): string {
  return `
Buy in a browser at the first of these, or by hand:
  TOKEN=$(curl -s ${gateway}/sessions -H 'content-type: application/json' -d '{"name":"alice"}' \\
    | node -p 'JSON.parse(require("fs").readFileSync(0)).token')
  curl -i -X POST ${gateway}/sales/${saleId}/reservations -H "authorization: Bearer $TOKEN" -H 'content-type: application/json' -d '{}'
`
}

/** Without credentials, and with the name people type. */
function forPeople(url: string | undefined): string {
  return url ? new URL(url).origin.replace('127.0.0.1', 'localhost') : ''
}
