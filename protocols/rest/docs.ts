import { createHash } from 'node:crypto'

/** The parts of an OpenAPI document that the page shows; it is our own, so they are there. */
interface Document {
  readonly openapi: string
  readonly info: { readonly title: string; readonly description: string }
  readonly servers: readonly { readonly url: string }[]
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
}
interface Operation {
  readonly summary?: string
  readonly parameters?: readonly {
    readonly name: string
    readonly in: string
    readonly description?: string
    readonly schema?: Schema
  }[]
  readonly requestBody?: { readonly content: Content }
  readonly responses: Readonly<Record<string, { readonly description: string; readonly content?: Content }>>
}
type Content = Readonly<Record<string, { readonly schema: Schema }>>
interface Schema {
  readonly type?: string
  readonly description?: string
  readonly enum?: readonly string[]
  readonly anyOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly patternProperties?: Readonly<Record<string, Schema>>
}

class Html {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}
const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
}
const escaped = (text: string): string => text.replace(/[&<>"']/g, (one) => ENTITIES[one] ?? one)
type Part = string | Html | readonly Html[] | undefined

/** HTML in which every value that is no HTML is escaped. */
const html = (texts: TemplateStringsArray, ...values: readonly Part[]): Html =>
  new Html(texts.reduce((all, text, at) => all + shown(values[at - 1]) + text))
const shown = (value: Part): string => {
  if (value === undefined) return ''
  if (typeof value === 'string') return escaped(value)
  return value instanceof Html ? value.text : value.map(({ text }) => text).join('')
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color-scheme:light dark}
section{border-top:1px solid #8888;margin-top:2rem}code{font-size:.9em}h2 code:first-child{font-weight:700}
table{border-collapse:collapse}td,th{text-align:left;vertical-align:top;padding:.2rem 1rem .2rem 0}ul{margin:.2rem 0;padding-left:1.2rem}`

/** What holds for every route; a text between backquotes is what stands on the wire. */
const ABOUT: readonly (readonly [string, string])[] = [
  [
    'Who asks',
    'Each request bears an access token of yours: `Authorization: Bearer …`. In a browser that you signed in with, its session does. 401: nobody who is known. Whatever is another organization’s, or not for you, is 404, as if it were not there; 403 is what you may see and not do.',
  ],
  [
    'Errors',
    'A refusal is `application/problem+json` (RFC 9457). Go by `code`, which stays as it is; `detail` is for people, and `errors` names each field: `{"field": "data.emails[0].type", "problem": "…"}`.',
  ],
  [
    'Lists',
    'A page has `items`, and `next`: ask again with `?cursor=` and that text for the page after it, until it is null. `limit` is how many, 50 unless said.',
  ],
  [
    'Conditions',
    'Answers have an `ETag`. Send it as `If-None-Match` when you read again: 304 says that you have it. Send it as `If-Match` when you change or delete: 412 says that somebody came first, and nothing was done.',
  ],
  [
    'Repeats',
    'Where an answer got lost, send the request again. One that creates something takes an `Idempotency-Key`: a text of yours, new for each thing to be made. For a day the same request with the same key is done once, and answered alike with `Idempotency-Replayed: true`, without secrets. Another request with that key is 422 `idempotency-key-reused`; while the first is under way a repeat is 409 `idempotency-in-progress`. A refusal frees the key.',
  ],
  [
    'How often',
    'A person may ask so often as `RateLimit-Policy` says; `RateLimit` tells how many requests are left (`r`) until how many seconds from now (`t`). Past that, 429. Where 429 or 503 says `Retry-After`, wait so many seconds.',
  ],
]

const quoted = (text: string): Html[] =>
  text.split('`').map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : html`${part}`))

/** The document as a page to read, and the policy it is sent with: nothing is loaded, nothing runs. */
export function readingPage({ info, servers, paths }: Document): { readonly html: string; readonly policy: string } {
  const operations = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => section(method, path, operation)),
  )
  const about = ABOUT.map(([title, text]) => html`<h2>${title}</h2><p>${quoted(text)}</p>\n`)
  const index = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { summary }]) => {
      const name = html`<code>${method.toUpperCase()} ${path.replace('/api/v1', '')}</code>`
      return html`<li><a href="#${anchor(method, path)}">${name}</a> ${summary}</li>\n`
    }),
  )
  const page = html`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${info.title} API</title><style>${new Html(STYLE)}</style></head><body>
<h1>${info.title} API</h1><p>${info.description}</p>
<<<<<<< HEAD
<p>At <code>${servers[0]?.url}</code>; for programs: <a href="/api/v1/openapi.json">openapi.json</a>.</p>
${about}<h2>Requests</h2><ul>${index}</ul>
=======
<p>At <code>${servers[0]?.url}</code>; for programs: <a href="/api/v1/openapi.json">openapi.json</a>.
Each request bears an access token of yours, <code>Authorization: Bearer …</code>, or comes from a browser that has
<a href="/login">signed in</a>.</p>
>>>>>>> main
${operations}</body></html>
`
  const digest = createHash('sha256').update(STYLE).digest('base64')
  const policy = `default-src 'none'; style-src 'sha256-${digest}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`
  return { html: page.text, policy }
}

const anchor = (method: string, path: string): string => `${method}${path.replaceAll(/\W+/g, '-')}`

function section(method: string, path: string, { summary, parameters = [], requestBody, responses }: Operation): Html {
  const row = ({ name, in: place, description, schema }: NonNullable<Operation['parameters']>[number]) =>
    html`<tr><td><code>${name}</code></td><td>${place}</td><td>${description ?? schema?.description}</td></tr>`
  const answer = ([status, { description, content = {} }]: [string, Operation['responses'][string]]) =>
    html`<tr><td><code>${status}</code></td><td>${description}${bodyOf(status, content)}</td></tr>`
  return html`<section id="${anchor(method, path)}"><h2><code>${method.toUpperCase()}</code> <code>${path}</code></h2><p>${summary}</p>
${parameters.length > 0 ? html`<h3>Asked with</h3><table>${parameters.map(row)}</table>` : undefined}
${
  requestBody
    ? html`<h3>Body</h3>${Object.values(requestBody.content)
        .slice(0, 1)
        .map(({ schema }) => schemaOf(schema))}`
    : undefined
}
<h3>Answers</h3><table>${Object.entries(responses).map(answer)}</table></section>
`
}

/** Problems are the same everywhere, so they are not written out. */
const bodyOf = (status: string, content: Content): Html | undefined => {
  const [schema] = Object.values(content)
  return status.startsWith('2') && schema ? schemaOf(schema.schema) : undefined
}

function schemaOf({
  type,
  enum: values,
  anyOf,
  properties,
  required = [],
  items,
  description,
  patternProperties,
}: Schema): Html {
  const told = description === undefined ? undefined : html` – ${description}`
  if (anyOf) return html`${anyOf.map((one, at) => html`${at > 0 ? ' or ' : ''}${schemaOf(one)}`)}${told}`
  if (properties) {
    const fields = Object.entries(properties).map(
      ([name, field]) => html`<li><code>${name}</code>${required.includes(name) ? '' : '?'}: ${schemaOf(field)}</li>`,
    )
    return html`${told}<ul>${fields}</ul>`
  }
  if (items) return html`list of ${schemaOf(items)}${told}`
  const [member] = Object.values(patternProperties ?? {})
  if (member) return html`object of ${schemaOf(member)}${told}`
  return html`${values ? values.join(' | ') : (type ?? 'any')}${told}`
}
