import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'

/** A request on its way to a server that does right, and the answer on its way back. */
export interface Passing {
  readonly method: string
  /** From the base of SCIM, with its query string. */
  readonly path: string
  readonly body: string
  readonly status: number
  readonly headers: Record<string, string>
  readonly text: string
}

export interface Fault {
  /** Answers for the server, or ends the connection; undefined: it is asked. */
  readonly instead?: (request: Pick<Passing, 'method' | 'path' | 'body'>) => Partial<Passing> | 'hang up' | undefined
  /** What becomes of the server's answer. */
  readonly change?: (passing: Passing) => Partial<Passing>
}

/** A small SCIM server that does wrong in one way, and otherwise as the one at `base`, which it asks. Its base. */
export async function brokenScim(t: Test, base: string, { instead, change }: Fault): Promise<string> {
  const { origin, pathname } = new URL(base)
  const server = createServer((request, response) => void pass(request, response))
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer) // of a stream of bytes
    const asked = {
      method: request.method ?? '',
      path: (request.url ?? '').slice(pathname.length),
      body: Buffer.concat(chunks).toString(),
    }
    const answer = instead?.(asked) ?? (await forwarded(asked, request))
    if (answer === 'hang up') return void response.destroy()
    const { status = 200, headers = {}, text = '' } = answer
    response.writeHead(status, headers).end(status === 304 ? undefined : text)
  }
  const forwarded = async (
    asked: Pick<Passing, 'method' | 'path' | 'body'>,
    request: IncomingMessage,
  ): Promise<Partial<Passing>> => {
    const kept = ['authorization', 'accept', 'content-type', 'if-match', 'if-none-match']
    const sent = kept.flatMap((name) => {
      const value = request.headers[name]
      return typeof value === 'string' ? [[name, value] as const] : []
    })
    const answer = await fetch(origin + request.url, {
      method: asked.method,
      headers: Object.fromEntries(sent),
      ...(asked.body === '' ? {} : { body: asked.body }),
    })
    const headers = Object.fromEntries(
      [...answer.headers].filter(
        ([name]) => !/^(connection|keep-alive|transfer-encoding|content-length|date)$/.test(name),
      ),
    )
    const passing = { ...asked, status: answer.status, headers, text: await answer.text() }
    return { ...passing, ...change?.(passing) }
  }
  server.listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}${pathname}` // it listens on TCP
}
