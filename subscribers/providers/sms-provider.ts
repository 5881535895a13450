import { appendFile } from 'node:fs/promises'
import { TryAgain } from '../frame/subscriber.ts'

export interface Sms {
  buyerId: string
  text: string
  /** The same when the same is sent again: a provider that knows such keys drops the second. */
  key: string
}

export interface SmsProvider {
  /** @throws TryAgain when it cannot take the message now. */
  send: (sms: Sms) => Promise<void>
}

/** Writes each message into a file, as a line of JSON. A fork puts its provider in this one's place. */
export function logFileProvider(file: string): SmsProvider {
  return {
    async send(sms) {
      try {
        await appendFile(file, `${JSON.stringify(sms)}\n`)
      } catch (error) {
        throw new TryAgain(`${file} cannot be written: ${error instanceof Error ? error.message : String(error)}`)
      }
    },
  }
}
