import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Webhook } from 'standardwebhooks'
import type { Test } from 'tap'
import { hookSecrets } from '../../src/auth/hook-secrets.ts'
import { SecretKey } from '../../src/auth/secret-key.ts'
import { readExceptions } from '../../src/outgoing/addresses.ts'
import { Deliverer } from '../../src/outgoing/delivery.ts'
import { GuardedFetch } from '../../src/outgoing/guarded-fetch.ts'
import type { Running } from './kith.ts'

/** A message as its receiver has it. */
export interface Message {
  readonly id: string
  readonly type: string
  readonly data: Readonly<Record<string, unknown>>
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface WebhookReceiver {
  readonly url: string
  /** What it has taken, in order. */
  readonly taken: Message[]
  /** What came, taken or not. */
  readonly came: Message[]
  /** What it answers from now on; 0: it hangs up; `lose`: it takes the message and hangs up; `hold`: it never answers. */
  answer: (message: Message) => number | 'lose' | 'hold'
}

export async function webhookReceiver(t: Test): Promise<WebhookReceiver> {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    request.on('end', () => {
      const body = Buffer.concat(chunks).toString()
      const { type, data } = JSON.parse(body) as Pick<Message, 'type' | 'data'> // what we send
      const message = { id: String(request.headers['webhook-id']), type, data, headers: request.headers, body }
      receiver.came.push(message)
      const answer = receiver.answer(message)
      if (answer === 'hold') return
      if (answer === 'lose' || (answer >= 200 && answer < 300)) receiver.taken.push(message)
      if (answer === 'lose' || answer === 0) return request.socket.destroy()
      return response.writeHead(answer, answer === 302 ? { location: receiver.url } : {}).end()
    })
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const receiver: WebhookReceiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`, // it listens on TCP
    taken: [],
    came: [],
    answer: () => 204,
  }
  return receiver
}

/** The outside judge; throws what is wrong. */
export const verify = (secret: string, { body, headers }: Message): unknown =>
  new Webhook(secret).verify(body, headers as Record<string, string>) // those that it reads have one value each

/** Time that passes as a test says. */
export class Clock {
  #now = Date.now()
  readonly now = (): Date => new Date(this.#now)
  pass(ms: number): void {
    this.#now += ms
  }
}

/** Sends what the running server's hooks wait for, by that clock. */
export function delivererOf({ kith, config }: Running, clock: Clock): Deliverer {
  const exceptions = readExceptions('127.0.0.1')
  const secrets = hookSecrets(new SecretKey(config.secretKey ?? ''))
  return new Deliverer(kith.store.hooks, secrets, new GuardedFetch(exceptions ? { exceptions } : {}), clock.now)
}
