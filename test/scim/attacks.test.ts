import { gzipSync } from 'node:zlib'
import t from 'tap'
import { changesNothing } from '../support/dav.ts'
import { ask } from '../support/kith.ts'
import { type Dict, GROUP, MESSAGES, type ScimAnswer, startScim, USER } from '../support/scim.ts'

const BORN = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf', '__defineGetter__']
const JSON_TYPE = 'application/scim+json; charset=utf-8'

/** RFC 7644 §3.12: what every refusal is. */
function problem({ status, json, headers, text }: ScimAnswer): string | undefined {
  if (headers['content-type'] !== JSON_TYPE) return `content-type ${headers['content-type']}: ${text}`
  if (JSON.stringify(json.schemas) !== `["${MESSAGES}:Error"]`) return `schemas: ${text}`
  if (json.status !== String(status)) return `status: ${text}`
  if (typeof json.detail !== 'string' || json.detail === '') return `detail: ${text}`
  if (/\bat .+\.ts:\d+|node_modules|\bselect\b.+\bfrom\b|violates|pg_/i.test(text)) return `insides: ${text}`
  return undefined
}

t.test('attacks on SCIM', async (t) => {
  const scim = await startScim(t)
  const client = await scim.connect('Attacked')
  const id = await client.user('victim', { title: 'before', emails: [{ value: 'a@x.example', type: 'work' }] })
  const group = await client.group('group', [id])
  const untouched = (t: Parameters<typeof changesNothing>[0], work: () => Promise<unknown>) =>
    changesNothing(t, scim, client.organizationId, work)
  const refused = (
    t: { equal(a: unknown, b: unknown, c: string): unknown },
    answer: ScimAnswer,
    wanted: string,
    label: string,
  ) => {
    const { status, json } = answer
    t.equal(`${status}${json.scimType === undefined ? '' : ` ${json.scimType}`}`, wanted, label)
    t.equal(problem(answer), undefined, label)
  }

  await t.test('what every object has by birth: no attribute, no path, no filter; prototypes stay clean', async (t) => {
    await untouched(t, async () => {
      for (const name of BORN) {
        const filter = encodeURIComponent(`${name} eq "x"`)
        refused(t, await client.get(`/Users?filter=${filter}`), '400 invalidFilter', `filter ${name}`)
        refused(
          t,
          await client.get(`/Users?filter=${encodeURIComponent(`emails[${name} eq "x"]`)}`),
          '400 invalidFilter',
          `in brackets ${name}`,
        )
        refused(
          t,
          await client.get(`/Users?filter=${encodeURIComponent(`name.${name} pr`)}`),
          '400 invalidFilter',
          `part ${name}`,
        )
        refused(t, await client.get(`/Users?sortBy=${name}`), '400 invalidValue', `sortBy ${name}`)
        for (const path of [
          name,
          `name.${name}`,
          `emails[type eq "work"].${name}`,
          `${USER}:${name}`,
          `${name}.polluted`,
        ]) {
          for (const op of ['add', 'replace', 'remove']) {
            refused(
              t,
              await client.patch(`/Users/${id}`, [{ op, path, value: 'polluted' }]),
              '400 invalidPath',
              `${op} ${path}`,
            )
          }
        }
        const inside = JSON.parse(`{"${name}":{"polluted":"yes"}}`) as object // as a body holds it
        for (const value of [inside, { name: inside }, { emails: [inside] }]) {
          refused(t, await client.patch(`/Users/${id}`, [{ op: 'add', value }]), '400 invalidPath', `key ${name}`)
          refused(
            t,
            await client.post('/Users', { userName: 'polluted', ...inside, x: value }),
            '400 invalidPath',
            `POST ${name}`,
          )
        }
        refused(
          t,
          await client.ask('PUT', `/Users/${id}`, { userName: 'victim', name: inside }),
          '400 invalidPath',
          `PUT ${name}`,
        )
        const shown = await client.get(`/Users/${id}?attributes=${name},title&excludedAttributes=name.${name}`)
        t.ok(shown.status === 200 || problem(shown) === undefined, `attributes ${name}`)
        t.strictSame(
          Object.keys(shown.json).filter((key) => BORN.includes(key)),
          [],
        )
      }
    })
    t.equal(({} as Dict).polluted, undefined)
    t.equal((await client.get(`/Users/${id}`)).json.title, 'before')
  })

  await t.test('filters: 8 KB, 50 terms, depth 16, NUL and halves of characters', async (t) => {
    const deep = (depth: number) => `${'('.repeat(depth)}title pr${')'.repeat(depth)}`
    const terms = (count: number) => Array.from({ length: count }, () => 'title pr').join(' or ')
    const fine = [deep(16), terms(50), `title eq "${'x'.repeat(8_000)}"`]
    for (const filter of fine) t.equal((await client.search('/Users', { filter })).status, 200)
    const bad = [
      deep(17),
      terms(51),
      `title eq "${'x'.repeat(8_200)}"`,
      `${'not ('.repeat(17)}title pr${')'.repeat(17)}`,
      `emails[${deep(16)}]`,
      'title eq "\\u0000"',
      'userName eq "a\\u0000b"',
      `id eq "${'\\u0000'}"`,
      'title eq',
      'title eq "x',
      'eq "x"',
      '(',
      ')',
      '[]',
      'title',
      'title eq x',
      "title eq 'x'",
      'title foo "x"',
      'active gt true',
      'active co "t"',
      'title gt null',
      'meta.created co "2"',
      'meta.created gt "yesterday"',
      'title eq 7',
      'active eq "maybe"',
      'nothing pr',
      'title.value eq "x"',
      'emails[value eq "x"',
      'emails[emails[value pr]]',
      'title[value pr]',
      'a'.repeat(8_000),
      `${'('.repeat(8_000)}`,
    ]
    for (const filter of bad) {
      const started = process.hrtime.bigint()
      refused(t, await client.search('/Users', { filter }), '400 invalidFilter', filter.slice(0, 60))
      t.ok(process.hrtime.bigint() - started < 2_000_000_000n, 'at once')
    }
    refused(t, await client.search('/Users', { filter: 'title eq "\ud800"' }), '400 invalidValue', 'half of a pair')
    for (const value of ['\\ud800', '\\udc00x']) {
      const answer = await client.search('/Users', { filter: `title eq "${value}"` })
      t.ok(answer.status === 200 || problem(answer) === undefined, `escaped ${value}`)
      t.ok(answer.status < 500)
    }
    refused(t, await client.get('/Users?filter=title%20eq%20%22%00%22'), '400 invalidFilter', 'NUL in the address')
    const twice = await client.get(`/Users?filter=${encodeURIComponent('title eq "x')}&filter=title+pr`)
    refused(t, twice, '400 invalidFilter', 'the first counts')
  })

  await t.test('NUL, broken UTF-8, deep and huge bodies', async (t) => {
    await untouched(t, async () => {
      for (const text of ['\0', 'a\0b', '\ud800']) {
        for (const body of [
          { userName: text },
          { userName: 'x', title: text },
          { userName: 'x', emails: [{ value: text }] },
          { userName: 'x', externalId: text },
        ]) {
          refused(
            t,
            await client.post('/Users', { schemas: [USER], ...body }),
            '400 invalidValue',
            JSON.stringify(body),
          )
        }
        refused(
          t,
          await client.patch(`/Users/${id}`, [{ op: 'add', path: 'title', value: text }]),
          '400 invalidValue',
          'PATCH',
        )
        refused(t, await client.post('/Groups', { schemas: [GROUP], displayName: text }), '400 invalidValue', 'group')
      }
      const key = await client.post('/Users', '{"userName":"x","a\\u0000":1}')
      t.ok(key.status === 400, `a key with NUL: ${key.status}`)
      const path = await client.patch(`/Users/${id}`, [{ op: 'add', path: 'title\0', value: 'x' }])
      t.equal(path.status, 400)
      refused(
        t,
        await client.post('/Users', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])),
        '400 invalidSyntax',
        'no UTF-8',
      )
      refused(t, await client.post('/Users', Buffer.from('{"userName":"x"}', 'utf16le')), '400 invalidSyntax', 'UTF-16')
      refused(t, await client.post('/Users', `${'{"name":'.repeat(40)}1${'}'.repeat(40)}`), '400 invalidSyntax', 'deep')
      refused(
        t,
        await client.post('/Users', `${'['.repeat(150_000)}${']'.repeat(150_000)}`),
        '400 invalidSyntax',
        'very deep',
      )
      for (const body of [
        '',
        '[]',
        '1',
        'null',
        '"x"',
        '{',
        '{"userName":"x"}x',
        '{"userName":NaN}',
        "{'userName':1}",
      ]) {
        refused(t, await client.post('/Users', body), '400 invalidSyntax', body)
      }
      refused(
        t,
        await client.post('/Users', { schemas: [USER], userName: 'x', title: 'x'.repeat(20_001) }),
        '400 invalidValue',
        'long',
      )
      refused(
        t,
        await client.post('/Users', { schemas: [USER], userName: 'x'.repeat(321) }),
        '400 invalidValue',
        'long name',
      )
      const { maxPayloadSize } = (await client.get('/ServiceProviderConfig')).json.bulk as { maxPayloadSize: number }
      const huge = await client.post('/Users', ' '.repeat(maxPayloadSize + 1)).catch(() => undefined)
      if (huge) refused(t, huge, '413', 'huge')
    })
    const spread = Object.fromEntries(Array.from({ length: 20_000 }, (_, at) => [`key${at}`, at]))
    t.equal(
      (await client.post('/Users', { schemas: [USER], userName: 'spread', ...spread })).status,
      201,
      'unknown keys are passed over',
    )
    const bom = await client.post('/Users', Buffer.from('\ufeff{"userName":"with a BOM"}'))
    t.equal(bom.status, 201, 'a BOM is fine')
  })

  await t.test('compressed and odd media types: 415, and nothing is unpacked', async (t) => {
    const body = JSON.stringify({ schemas: [USER], userName: 'typed' })
    const bomb = gzipSync(Buffer.alloc(50 * 1024 * 1024, 0x20))
    await untouched(t, async () => {
      for (const encoding of ['gzip', 'deflate', 'br', 'zstd', 'x', 'gzip, gzip']) {
        refused(
          t,
          await client.ask('POST', '/Users', encoding === 'gzip' ? bomb : body, { 'content-encoding': encoding }),
          '415',
          encoding,
        )
      }
      for (const type of [
        'text/plain',
        'application/xml',
        'application/x-www-form-urlencoded',
        'multipart/form-data; boundary=x',
        'application/json-patch+json',
        'x',
        '*/*',
        'application/scim+jsonx',
      ]) {
        refused(t, await client.ask('POST', '/Users', body, { 'content-type': type }), '415', type)
      }
      refused(t, await client.ask('POST', '/Users', body, { 'content-type': undefined }), '415', 'none')
    })
    for (const [at, type] of [
      'application/json',
      'APPLICATION/SCIM+JSON',
      'application/json;charset=UTF-8',
      'application/scim+json ; x=y',
    ].entries()) {
      const { status } = await client.ask('POST', '/Users', body.replace('typed', `typed ${at}`), {
        'content-type': type,
      })
      t.equal(status, 201, type)
    }
    const identity = await client.ask('POST', '/Users', body.replace('typed', 'identity'), {
      'content-encoding': 'identity',
    })
    t.equal(identity.status, 201)
  })

  await t.test('RFC 9110 §15.5.6: a method that is not served: 405 with Allow, all over', async (t) => {
    const one = 'GET, PUT, PATCH, DELETE'
    for (const [path, method, allow] of [
      ['/Users', 'PUT', 'GET, POST'],
      ['/Users', 'DELETE', 'GET, POST'],
      ['/Users', 'PATCH', 'GET, POST'],
      ['/Groups', 'PATCH', 'GET, POST'],
      [`/Users/${id}`, 'POST', one],
      [`/Groups/${group}`, 'POST', one],
      ['/Bulk', 'GET', 'POST'],
      ['/Bulk', 'DELETE', 'POST'],
      ['/.search', 'GET', 'POST'],
      ['/Users/.search', 'GET', 'POST'],
      ['/Groups/.search', 'DELETE', 'POST'],
      ['/Schemas', 'POST', 'GET'],
      ['/ServiceProviderConfig', 'DELETE', 'GET'],
      ['/ResourceTypes', 'PUT', 'GET'],
      ['', 'POST', 'GET'],
      [`/Users/${id}`, 'OPTIONS', one],
    ] as const) {
      const answer = await client.ask(method, path, method === 'GET' || method === 'DELETE' ? undefined : {})
      refused(t, answer, '405', `${method} ${path}`)
      t.equal(answer.headers.allow, allow, `${method} ${path}`)
    }
    for (const method of ['HEAD', 'TRACE', 'PROPFIND', 'REPORT', 'MKCOL', 'LOCK']) {
      const { status } = await client.ask(method, '/Users')
      t.ok(status >= 400 && status < 500, `${method}: ${status}`)
    }
  })

  await t.test('addresses in every disguise: nothing without a token, and no other resource with one', async (t) => {
    const odd = [
      '/Users',
      '//Users',
      '/Users/',
      '/users',
      '/USERS',
      '/%55sers',
      '/Users;x',
      '/Users%2F',
      `/Users%2F${id}`,
      '/x/../Users',
      '/x/%2e%2e/Users',
      '/./Users',
      '/Users//',
      '/..',
      '/%2e%2e/%2e%2e/dav/',
      `/Users/${id}/..`,
      `/Users/${id}/title`,
      '/Users/%00',
      '/Users/%0d%0a',
      '/%',
      '/Users/%ff',
      '/Users/%c0%af',
      '/Users?filter=%ff',
      '/Me',
      '/nowhere',
      '',
    ]
    for (const path of odd) {
      for (const prefix of ['/scim/v2', '/scim//v2', '/SCIM/v2', '/scim/v2/.', `${scim.url}/scim/v2`]) {
        const bare = await ask(scim.url, 'GET', prefix + path, {})
        t.ok(
          [401, 404].includes(bare.status) || (bare.status === 400 && !bare.text.includes('victim')),
          `${prefix}${path}: ${bare.status}`,
        )
        t.notMatch(bare.text, /victim/)
      }
      const answer = await client.get(path)
      t.ok(answer.status < 500, `${path}: ${answer.status}`)
      const isUnreadable = /%(?![0-9a-f]{2})|%ff|%c0/.test(path.split('?')[0] ?? '')
      if (answer.status >= 400 && !isUnreadable) t.equal(problem(answer), undefined, path)
    }
    for (const path of [
      `/Users%2F${id}`,
      '/users',
      '/Users;x',
      '/x/../Users',
      `/Users/${id}/title`,
      '/Users/%00',
      '/nowhere',
      '/Me',
    ]) {
      t.equal((await client.get(path)).status, 404, path)
    }
  })

  await t.test('a spoofed host or forwarding is not in an address', async (t) => {
    const { headers, text } = await client.get(`/Users/${id}`, {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'gopher',
      forwarded: 'host=evil.example',
    })
    t.notMatch(text + JSON.stringify(headers), /evil|gopher/)
    const made = await client.ask('POST', '/Users', { schemas: [USER], userName: 'located' }, { host: 'evil.example' })
    t.notMatch(String(made.headers.location), /evil/)
  })

  await t.test('odd parameters and headers: no fault of ours', async (t) => {
    const huge = `attributes=${Array.from({ length: 1_500 }, (_, at) => `a${at}`).join()}`
    for (const query of [
      huge,
      'attributes=,,,',
      'attributes=%00',
      'attributes=a%20b',
      'excludedAttributes=emails[',
      'count=999999999999999999999',
      'startIndex=9007199254740993',
      'sortBy=%00',
      'cursor=%00',
      'x=%',
      'filter=&filter=x',
      '&&&',
      '=',
      'attributes=a&attributes=b',
    ]) {
      for (const path of ['/Users', `/Users/${id}`, '/Groups', '']) {
        const answer = await client.get(`${path}?${query}`)
        t.ok(answer.status < 500, `${path}?${query.slice(0, 40)}: ${answer.status}`)
        if (answer.status >= 400) t.equal(problem(answer), undefined, query.slice(0, 40))
      }
    }
    for (const tag of ['', '*', 'x', 'W/', '"', ',,,', 'W/"1', `W/"${'9'.repeat(5_000)}"`]) {
      const answer = await client.patch(`/Users/${id}`, [], { 'if-match': tag })
      t.ok([200, 412].includes(answer.status), `If-Match ${tag.slice(0, 10)}: ${answer.status}`)
      t.ok(
        [200, 304].includes((await client.get(`/Users/${id}`, { 'if-none-match': tag })).status),
        `If-None-Match ${tag.slice(0, 10)}`,
      )
    }
    t.equal((await client.patch(`/Users/${id}`, [], { 'if-match': '*' })).status, 200)
    t.equal((await client.patch(`/Users/${id}`, [], { 'if-match': '"x", W/"1"' })).status, 200)
  })

  await t.test('values of a wrong kind, for every attribute: 400, never a fault of ours', async (t) => {
    const { resources } = await client.get('/Schemas')
    const names = resources.flatMap(({ attributes }) => (attributes as Dict[]).map(({ name }) => String(name)))
    const values = [
      1,
      -0,
      1e308,
      true,
      [],
      {},
      [[]],
      [{}],
      [null],
      null,
      '',
      { value: {} },
      { value: [1] },
      [{ value: null }],
      [{ value: [] }],
      [1, 'x', {}],
      { $ref: {} },
      [{ $ref: '////' }],
      { value: 'x', primary: 'x' },
    ]
    for (const name of new Set(names)) {
      for (const value of values) {
        for (const op of ['add', 'replace', 'remove']) {
          const { status, text } = await client.patch(`/Users/${id}`, [{ op, path: name, value }])
          if (status >= 500) t.fail(`${op} ${name} ${JSON.stringify(value)}: ${text}`)
        }
        const { status, text } = await client.post('/Users', {
          userName: `kind ${name} ${JSON.stringify(value)}`.slice(0, 300),
          [name]: value,
        })
        if (status >= 500) t.fail(`POST ${name} ${JSON.stringify(value)}: ${text}`)
        const { status: of } = await client.patch(`/Groups/${group}`, [{ op: 'add', path: name, value }])
        if (of >= 500) t.fail(`group ${name} ${JSON.stringify(value)}`)
      }
    }
    t.equal((await client.get(`/Users/${id}`)).status, 200)
    t.equal((await client.get('/Users?count=1000')).status, 200, 'and all of it is read')
  })
})
