import { mkdtempSync, rmSync } from 'node:fs'
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { type Kith, openKith } from '../../src/composition.ts'
import { type Config, readConfig } from '../../src/config.ts'
import { createServer } from '../../src/http/server.ts'
import { type TestDatabase, testDatabase } from './databases.ts'

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly text: string
}

export interface Asking {
  readonly headers?: Readonly<Record<string, string | readonly string[] | undefined>>
  readonly body?: string | Uint8Array
}

/** One request whose path is sent as it is written. */
export function ask(url: string, method: string, path: string, { headers = {}, body }: Asking = {}): Promise<Answer> {
  const { hostname, port } = new URL(url)
  const sent = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== undefined)) // so none is left
  return new Promise((resolve, reject) => {
    const content = body === undefined ? undefined : Buffer.from(body as Uint8Array) // a string is as good
    const length = content === undefined ? {} : { 'content-length': String(content.byteLength) }
    const request = httpRequest(
      { hostname, port, method, path, headers: { ...length, ...(sent as Record<string, string | string[]>) } },
      (response) => {
        const chunks: Buffer[] = []
        response.on('data', (chunk: Buffer) => chunks.push(chunk))
        response.on('error', reject)
        response.on('end', () => {
          const whole = Buffer.concat(chunks)
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: whole, text: whole.toString() })
        })
      },
    )
    request.on('error', reject)
    request.end(content)
  })
}

/** A row of a multistatus, read by plain search: the tests do not read with the code they test. */
export interface MultistatusRow {
  readonly href: string
  readonly status: number
  readonly xml: string
  readonly etag?: string
  readonly card?: string
}

const unescapeXml = (text: string): string =>
  text
    .replace(/&#13;/g, '\r')
    .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(Number(code)))
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll('&amp;', '&')

export function rows(xml: string): MultistatusRow[] {
  return [...xml.matchAll(/<D:response>(.*?)<\/D:response>/gs)].map(([, inner = '']) => {
    const etag = /<D:getetag>(.*?)<\/D:getetag>/s.exec(inner)?.[1]
    const card = /<C:address-data[^>]*>(.*?)<\/C:address-data>/s.exec(inner)?.[1]
    return {
      href: unescapeXml(/<D:href>(.*?)<\/D:href>/s.exec(inner)?.[1] ?? ''),
      status: Number(/<D:status>HTTP\/1\.1 (\d+)/.exec(inner)?.[1]),
      xml: inner,
      ...(etag === undefined ? {} : { etag: unescapeXml(etag) }),
      ...(card === undefined ? {} : { card: unescapeXml(card) }),
    }
  })
}

/** Somebody's phone: an app password and what a CardDAV client does with it. */
export class Device {
  readonly url: string
  readonly home: string
  readonly people: string
  readonly authorization: string
  readonly #made: readonly [string, string, string, string]
  constructor(url: string, userId: string, username: string, password: string, book = 'people') {
    this.url = url
    this.#made = [url, userId, username, password]
    this.home = `/dav/addressbooks/${userId}/`
    this.people = `${this.home}${book}/`
    this.authorization = `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`
  }

  /** The same device in another book. */
  in(book: string): Device {
    return new Device(...this.#made, book)
  }

  ask(method: string, path: string, { headers, body }: Asking = {}): Promise<Answer> {
    const asked = {
      headers: { authorization: this.authorization, ...headers },
      ...(body === undefined ? {} : { body }),
    }
    return ask(this.url, method, path, asked)
  }

  get = (name: string, headers: Asking['headers'] = {}) =>
    this.ask('GET', this.people + encodeURIComponent(name), { headers })
  put = (name: string, body: string | Uint8Array, headers: Asking['headers'] = {}) =>
    this.ask('PUT', this.people + encodeURIComponent(name), {
      headers: { 'content-type': 'text/vcard', ...headers },
      body,
    })
  delete = (name: string, headers: Asking['headers'] = {}) =>
    this.ask('DELETE', this.people + encodeURIComponent(name), { headers })
  propfind = (path: string, depth: string, inner: string) =>
    this.ask('PROPFIND', path, {
      headers: { depth, 'content-type': 'application/xml' },
      body: `<D:propfind xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav" xmlns:CS="http://calendarserver.org/ns/">${inner}</D:propfind>`,
    })
  report = (path: string, root: string, inner: string, headers: Asking['headers'] = {}) =>
    this.ask('REPORT', path, {
      headers: { depth: '1', 'content-type': 'application/xml', ...headers },
      body: `<${root} xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:carddav">${inner}</${root}>`,
    })

  /** Every card: href → ETag. */
  async list(): Promise<Map<string, string>> {
    const { text } = await this.propfind(this.people, '1', '<D:prop><D:getetag/></D:prop>')
    return new Map(
      rows(text).flatMap(({ href, etag }): [string, string][] => (etag === undefined ? [] : [[href, etag]])),
    )
  }

  /** What a sync tells: changed hrefs with their ETags, gone ones, and the token to go on with. */
  async sync(
    token = '',
    extra = '',
  ): Promise<{ answer: Answer; changed: Map<string, string>; gone: string[]; token: string; more: boolean }> {
    const inner = `<D:sync-token>${token}</D:sync-token><D:sync-level>1</D:sync-level>${extra}<D:prop><D:getetag/></D:prop>`
    const answer = await this.report(this.people, 'D:sync-collection', inner, { depth: '0' })
    const all = rows(answer.text)
    return {
      answer,
      changed: new Map(all.flatMap(({ href, etag }): [string, string][] => (etag === undefined ? [] : [[href, etag]]))),
      gone: all.filter(({ status }) => status === 404).map(({ href }) => href),
      token: /<D:sync-token>(.*?)<\/D:sync-token>/.exec(answer.text)?.[1] ?? '',
      more: all.some(({ status }) => status === 507),
    }
  }
}

export interface Running {
  readonly kith: Kith
  readonly config: Config
  readonly url: string
  readonly database: TestDatabase
  /** An organization with a user for each name; e-mails are name@domain. */
  organization(name: string, domain: string, people: readonly string[]): Promise<string>
  /** A new device of the user with that e-mail. */
  device(email: string): Promise<Device>
  /** The resource name of that user's card. */
  cardOf(email: string): Promise<string>
  stop(): Promise<void>
}

/** A server on a database of its own, stopped when the test is over. */
export async function startKith(
  t: Test,
  on?: TestDatabase,
  environment: Readonly<Record<string, string>> = {},
): Promise<Running> {
  const database = on ?? (await testDatabase())
  const dataDir = mkdtempSync(join(tmpdir(), 'kith-data-'))
  const config = readConfig({
    DATABASE_URL: database.url,
    DATA_DIR: dataDir,
    SECRET_KEY: 'a key that only tests use, and they share it',
    PORT: '0',
    LOG_LEVEL: 'silent',
    ...environment,
  })
  const kith = await openKith(config)
  const app = await createServer(kith, config)
  await app.listen({ host: '127.0.0.1', port: config.port })
  const url = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}` // it listens on TCP
  let stopped: Promise<void> | undefined
  const stop = () => {
    stopped ??= (async () => {
      await app.close()
      await kith.close()
      rmSync(dataDir, { recursive: true, force: true })
    })()
    return stopped
  }
  t.teardown(async () => {
    await stop()
    await database.drop()
  })
  return {
    kith,
    config,
    url,
    database,
    stop,
    organization: async (name, domain, people) => {
      const { id } = await kith.organizations.create({ name, domains: [domain] })
      await kith.users.createMany(
        id,
        people.map((person) => ({ name: person, email: `${person.toLowerCase().replaceAll(' ', '.')}@${domain}` })),
      )
      return id
    },
    device: async (email) => {
      const user = await kith.users.get(email)
      const { username, password } = await kith.appPasswords.create(user, 'test')
      return new Device(url, user.id, username, password)
    },
    cardOf: async (email) => `${(await kith.users.get(email)).profileId}.vcf`,
  }
}
