import type { AddressInfo } from 'node:net'
import { SMTPServer, type SMTPServerOptions } from 'smtp-server'

export interface Received {
  readonly from: string
  readonly to: readonly string[]
  /** As it came. */
  readonly raw: string
}

export interface Smtp {
  readonly port: number
  readonly url: string
  readonly received: Received[]
  close(): Promise<void>
}

/** A server that takes what it is sent; what `options` says goes first. */
export async function startSmtp(options: SMTPServerOptions = {}, port = 0): Promise<Smtp> {
  const received: Received[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    logger: false,
    closeTimeout: 200, // the clients keep theirs open
    onData: (stream, { envelope }, done) => {
      const chunks: Buffer[] = []
      stream.on('data', (chunk: Buffer) => chunks.push(chunk))
      stream.on('end', () => {
        const from = envelope.mailFrom ? envelope.mailFrom.address : ''
        const to = envelope.rcptTo.map(({ address }) => address)
        received.push({ from, to, raw: Buffer.concat(chunks).toString() })
        done()
      })
    },
    ...options,
  })
  server.on('error', () => undefined) // clients that die
  await new Promise<void>((listening) => server.listen(port, '127.0.0.1', listening))
  const at = (server.server.address() as AddressInfo).port // it listens on TCP
  return {
    port: at,
    url: `smtp://127.0.0.1:${at}`,
    received,
    close: () => new Promise((closed) => server.close(() => closed())),
  }
}

/** The headers of a message, unfolded, in lower case; each as often as it is there. */
export const headersOf = (raw: string): [string, string][] =>
  (raw.split('\r\n\r\n')[0] ?? '')
    .replace(/\r\n[ \t]+/g, ' ')
    .split('\r\n')
    .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()])

const decoded = (encoding: string | undefined, text: string): string => {
  if (encoding === 'base64') return Buffer.from(text, 'base64').toString()
  if (encoding !== 'quoted-printable') return text
  const bytes = text
    .replace(/=\r\n/g, '')
    .replace(/=([0-9A-F]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(bytes, 'latin1').toString()
}

/** A part of a multipart message, as its reader sees it. */
export function partOf(raw: string, type: string): string {
  const boundary = /boundary="?([^";\r\n]+)/.exec(raw)?.[1] ?? ''
  for (const part of raw.split(`--${boundary}`)) {
    const headers = new Map(headersOf(part.replace(/^\r\n/, '')))
    if (!headers.get('content-type')?.startsWith(type)) continue
    const body = part.slice(part.indexOf('\r\n\r\n') + 4)
    return decoded(headers.get('content-transfer-encoding'), body)
  }
  return ''
}
