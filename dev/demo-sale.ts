const OPEN_HOURS = 24
const ANSWER_LIMIT_MS = 10_000

interface Sale {
  id: string
  opensAt: string
  closesAt: string
}

/** Creates the sale and the coupons of `npm start`. @returns one line about them */
export async function ensureDemo(controlRoom: string, adminToken: string): Promise<{ saleId: string; said: string }> {
  const saleId = await ensureDemoSale(controlRoom, adminToken)
  await ensureDemoCoupons(controlRoom, adminToken)
  return { saleId, said: `${saleId} is open; coupons HELLO-1 to HELLO-5 take 5.00 off, once each` }
}

/** Creates a sale unless one is open. @returns the open sale's id */
async function ensureDemoSale(controlRoom: string, adminToken: string): Promise<string> {
  const now = new Date()
  const { sales } = await ask<{ sales: Sale[] }>(`${controlRoom}/sales`, adminToken)
  const open = sales.find(({ opensAt, closesAt }) => new Date(opensAt) <= now && now < new Date(closesAt))
  if (open) return open.id

  const id = freeId(sales.map((sale) => sale.id))
  await ask(`${controlRoom}/sales`, adminToken, {
    id,
    title: 'Mechanical keyboard, limited edition',
    priceCents: 19_900,
    stock: 100,
    opensAt: now.toISOString(),
    closesAt: new Date(now.getTime() + OPEN_HOURS * 3_600_000).toISOString(),
  })
  return id
}

const COUPONS = ['HELLO-1', 'HELLO-2', 'HELLO-3', 'HELLO-4', 'HELLO-5']

/** Open to every buyer, one use each. A used coupon stays used. */
async function ensureDemoCoupons(controlRoom: string, adminToken: string): Promise<void> {
  for (const code of COUPONS) await ask(`${controlRoom}/coupons/${code}`, adminToken, { discountCents: 500 }, 'PUT')
}

/** `demo`, then `demo-2`, `demo-3`, … */
function freeId(taken: string[]): string {
  for (let number = 1; ; number += 1) {
    const id = number === 1 ? 'demo' : `demo-${number}`
    if (!taken.includes(id)) return id
  }
}

/** POSTs when there is a body, unless told otherwise. @throws with the control room's answer when it refuses. */
async function ask<Answer>(
  url: string,
  adminToken: string,
  body?: object,
  method = body ? 'POST' : 'GET',
): Promise<Answer> {
  const response = await fetch(url, {
    method,
    headers: { authorization: `Bearer ${adminToken}`, 'content-type': 'application/json' },
    ...(body && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(ANSWER_LIMIT_MS),
  })
  if (!response.ok) throw new Error(`The control room answered ${response.status} to ${url}: ${await response.text()}`)
  return (await response.json()) as Answer
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
