import type { Transporter } from 'nodemailer'

/** A letter to one person. */
export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
  readonly html: string
  /** Names it among all that we ever send: the same when it is sent again because it may not have arrived. */
  readonly id: string
}

export interface Mailer {
  /** Returns once another server has it. @throws what nodemailer throws; its messages may name the receiver */
  send(mail: Mail): Promise<void>
  close(): void
}

export interface MailFrom {
  readonly name: string
  readonly address: string
}

export interface SmtpSettings {
  readonly url: URL
  readonly from: MailFrom
  /** Whether a server beyond this machine may be written to without TLS. */
  readonly plain: boolean
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/
const TIMEOUTS = { dnsTimeout: 10_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 30_000 }

/** By SMTP; with STARTTLS or it does not send, except on this machine or where that is allowed. */
export function smtpMailer({ url, from, plain }: SmtpSettings): Mailer {
  const secure = url.protocol === 'smtps:'
  const isHere = LOOPBACK.test(url.hostname)
  const options = {
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: Number(url.port) || (secure ? 465 : 587),
    secure,
    requireTLS: !secure && !plain && !isHere,
    ignoreTLS: !secure && isHere, // a certificate for it is rare
    ...(url.username === ''
      ? {}
      : { auth: { user: decodeURIComponent(url.username), pass: decodeURIComponent(url.password) } }),
    pool: true as const,
    maxConnections: 3,
    disableFileAccess: true,
    disableUrlAccess: true,
    ...TIMEOUTS,
  }
  let opened: Promise<Transporter> | undefined
  // the library is loaded where it is needed: commands send nothing
  const open = async (): Promise<Transporter> => (await import('nodemailer')).createTransport(options)
  return {
    send: async ({ to, subject, text, html, id }) => {
      opened ??= open()
      await (await opened).sendMail({
        from: { ...from },
        to: { name: '', address: to },
        envelope: { from: from.address, to: [to] },
        subject: oneLine(subject),
        text,
        html,
        messageId: `<${id}@${from.address.slice(from.address.lastIndexOf('@') + 1)}>`,
        // RFC 3834 §5: nobody's absence is announced to us
        headers: { 'Auto-Submitted': 'auto-generated', 'X-Auto-Response-Suppress': 'All' },
      })
    },
    close: () => void opened?.then((transport) => transport.close()),
  }
}

/** Where no server is set: shows what would be sent to whoever runs this. */
export function printingMailer(print: (text: string) => void): Mailer {
  return {
    send: async ({ to, subject, text }) =>
      print(`SMTP_URL is not set. This would go to ${to}:\n\n${subject}\n\n${text}`),
    close: () => undefined,
  }
}

/** What turns the direction of text round, and with it what is beside it. */
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** Somebody's words as they may stand in a line of ours. */
export function oneLine(text: string, characters = 200): string {
  const line = text
    .replace(BIDI, '')
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\s]+/gu, ' ')
    .trim()
  const all = [...line]
  return all.length > characters ? `${all.slice(0, characters - 1).join('')}…` : line
}
