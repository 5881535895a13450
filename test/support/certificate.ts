import { generateKeyPairSync, randomBytes, sign } from 'node:crypto'

/**
 * A key and a self-signed certificate for localhost and 127.0.0.1, generated so that none expires in the repository.
 */
export function selfSigned(): { key: string; cert: string } {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const ecdsaWithSha256 = der(0x30, der(0x06, Buffer.from('2a8648ce3d040302', 'hex')))
  const name = der(
    0x30,
    der(0x31, der(0x30, der(0x06, Buffer.from('550403', 'hex')), der(0x0c, Buffer.from('localhost')))),
  )
  const utcTime = (daysAway: number) =>
    der(
      0x17,
      Buffer.from(
        new Date(Date.now() + daysAway * 86_400_000).toISOString().replaceAll(/[-:T]/g, '').slice(2, 14) + 'Z',
      ),
    )
  const names = der(0x30, der(0x82, Buffer.from('localhost')), der(0x87, Buffer.from([127, 0, 0, 1])))
  const extensions = der(0xa3, der(0x30, der(0x30, der(0x06, Buffer.from('551d11', 'hex')), der(0x04, names))))
  const toSign = der(
    0x30,
    der(0xa0, der(0x02, Buffer.from([2]))),
    der(0x02, Buffer.concat([Buffer.from([1]), randomBytes(8)])),
    ecdsaWithSha256,
    name,
    der(0x30, utcTime(-2), utcTime(2)),
    name,
    publicKey.export({ type: 'spki', format: 'der' }),
    extensions,
  )
  const certificate = der(
    0x30,
    toSign,
    ecdsaWithSha256,
    der(0x03, Buffer.from([0]), sign('sha256', toSign, privateKey)),
  )
  const base64 = certificate.toString('base64').replaceAll(/.{64}/g, '$&\n')
  const cert = `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
  return { key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(), cert }
}

/** Encodes tag, length and content by ASN.1's distinguished encoding rules. */
function der(tag: number, ...parts: Buffer[]): Buffer {
  const content = Buffer.concat(parts)
  const length =
    content.length < 0x80
      ? Buffer.from([content.length])
      : Buffer.from([0x82, content.length >> 8, content.length & 0xff])
  return Buffer.concat([Buffer.from([tag]), length, content])
}
