/** Names a purchase. Not by crypto.randomUUID, which a page over plain HTTP does not have. */
export const newKey = () =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, '0')).join('')
