import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** A request to send again and again; in a body `{n}` is another ten digits each time. */
export interface Asked {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: string
}

const HEAD_END = Buffer.from('\r\n\r\n')
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/** One keep-alive connection with one request under way: as little client as there can be, for it shares the machine. */
export class Connection {
  readonly #socket: Socket
  /** Read so far, over all answers. */
  bytes = 0
  #status = 0
  #head: Buffer = Buffer.alloc(0)
  #tail: Buffer = Buffer.alloc(0)
  /** Bytes of the body under way; undefined before its head is read. */
  #missing: number | 'last chunk' | undefined
  #answered: ((status: number) => void) | undefined
  #failed: ((error: Error) => void) | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (data: Buffer) => this.#read(data))
    socket.on('error', (error) => this.#failed?.(error))
    socket.on('close', () => this.#failed?.(new Error('the server closed the connection')))
  }

  static async open(port: number): Promise<Connection> {
    const socket = connect(port, '127.0.0.1')
    await once(socket, 'connect')
    return new Connection(socket)
  }

  /** The status of the answer, when all of it is there. */
  ask(request: Buffer): Promise<number> {
    return new Promise((answered, failed) => {
      this.#answered = answered
      this.#failed = failed
      this.#socket.write(request)
    })
  }

  close(): void {
    this.#failed = undefined
    this.#socket.destroy()
  }

  /** Answers are counted, not kept: of the body only the last bytes tell anything. */
  #read(data: Buffer): void {
    this.bytes += data.length
    if (this.#missing === undefined) {
      this.#head = this.#head.length === 0 ? data : Buffer.concat([this.#head, data])
      const end = this.#head.indexOf(HEAD_END)
      if (end < 0) return
      const head = this.#head.toString('latin1', 0, end)
      this.#status = Number(head.slice(9, 12))
      const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
      const chunked = length === undefined && /\r\ntransfer-encoding: *chunked/i.test(head)
      this.#missing = chunked ? 'last chunk' : Number(length ?? 0)
      data = this.#head.subarray(end + HEAD_END.length)
      this.#head = Buffer.alloc(0)
    }
    if (this.#missing === 'last chunk') {
      this.#tail = data.length >= LAST_CHUNK.length ? data : Buffer.concat([this.#tail, data])
      if (!this.#tail.subarray(-LAST_CHUNK.length).equals(LAST_CHUNK)) return
    } else {
      this.#missing -= data.length
      if (this.#missing > 0) return
    }
    this.#missing = undefined
    this.#tail = Buffer.alloc(0)
    this.#answered?.(this.#status)
  }
}

/** The bytes of a request, a number put in for `{n}`. */
export function encoded({ method, path, headers, body = '' }: Asked): (n: number) => Buffer {
  const content = body.replaceAll('{n}', '0'.repeat(10))
  const all = { host: 'localhost', ...headers, 'content-length': String(Buffer.byteLength(content)) }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}\r\n`)
  const head = `${method} ${path} HTTP/1.1\r\n${lines.join('')}\r\n`
  if (!body.includes('{n}')) {
    const bytes = Buffer.from(head + content)
    return () => bytes
  }
  return (n) => Buffer.from(head + body.replaceAll('{n}', String(n).padStart(10, '0')))
}
