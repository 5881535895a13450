const SLOTS = 16_384

/** The slot of a key in a Redis Cluster: the CRC16 (XMODEM) of its hash tag, or of all of it, modulo the slots. */
export function slotOf(key: string): number {
  let crc = 0
  for (const byte of Buffer.from(/^[^{]*\{([^}]+)\}/.exec(key)?.[1] ?? key)) {
    crc ^= byte << 8
    for (let bit = 0; bit < 8; bit++) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff
  }
  return crc % SLOTS
}
