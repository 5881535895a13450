const OPEN_MS = 86_400_000
const ANSWER_LIMIT_MS = 10_000
/** Open to every buyer, one use each. A used coupon stays used. */
const COUPONS = ['HELLO-1', 'HELLO-2', 'HELLO-3', 'HELLO-4', 'HELLO-5']

interface Sale {
  id: string
  opensAt: string
  closesAt: string
}

/** Creates the sale of `npm start` unless one is open, and the coupons. @returns the open sale, and one line about it */
export async function ensureDemo(controlRoom: string, adminToken: string): Promise<{ saleId: string; said: string }> {
  const ask = askerOf(controlRoom, adminToken)
  const { sales } = (await ask('GET', 'sales')) as { sales: Sale[] }
  const now = new Date()
  const open = sales.find(({ opensAt, closesAt }) => new Date(opensAt) <= now && now < new Date(closesAt))
  const saleId = open?.id ?? freeId(sales.map(({ id }) => id))
  if (!open)
    await ask('POST', 'sales', {
      id: saleId,
      title: 'Mechanical keyboard, limited edition',
      priceCents: 19_900,
      stock: 100,
      opensAt: now.toISOString(),
      closesAt: new Date(now.getTime() + OPEN_MS).toISOString(),
    })
  for (const code of COUPONS) await ask('PUT', `coupons/${code}`, { discountCents: 500 })
  return { saleId, said: `${saleId} is open; coupons HELLO-1 to HELLO-5 take 5.00 off, once each` }
}

/** `demo`, then `demo-2`, `demo-3`, … */
function freeId(taken: string[]): string {
  let id = 'demo'
  for (let number = 2; taken.includes(id); number += 1) id = `demo-${number}`
  return id
}

/** Calls of the control room. They throw its answer when it refuses. */
const askerOf = (controlRoom: string, adminToken: string) => async (method: string, path: string, body?: object) => {
  const response = await fetch(`${controlRoom}/${path}`, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  })
  if (!response.ok) throw new Error(`The control room answered ${response.status} to ${path}: ${await response.text()}`)
  return (await response.json()) as unknown
}

if (process.argv[1] === import.meta.filename) {
  const { CONTROL_ROOM_URL, ADMIN_TOKEN } = process.env
  if (!CONTROL_ROOM_URL || !ADMIN_TOKEN) {
    console.error(
      'CONTROL_ROOM_URL or ADMIN_TOKEN is missing: expected where the control room answers, and the token that opens it',
    )
    process.exit(78)
  }
  const { said } = await ensureDemo(CONTROL_ROOM_URL, ADMIN_TOKEN)
  console.log(`Demo sale: ${said}.`)
}
