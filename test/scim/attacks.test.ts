import t from 'tap'
import { type Dict, GROUP, problem, startAttack, USER } from '../support/scim.ts'

const BORN = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'prototype', 'valueOf', '__defineGetter__']
t.test('attacks on SCIM', async (t) => {
  const { client, id, group, untouched, refused } = await startAttack(t)

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

  await t.test(
    'more values or operations than anybody has: 400 at once, and a large group is none of these',
    async (t) => {
      const values = Array.from({ length: 100_000 }, (_, at) => ({ value: `${at}@x.example` }))
      const many = values.slice(0, 1_000)
      const full = await client.user('full', { emails: many })
      const add = (list: readonly Dict[]) => ({ op: 'add', path: 'emails', value: list })
      await untouched(t, async () => {
        for (const [label, ask] of Object.entries({
          POST: () => client.post('/Users', { schemas: [USER], userName: 'values', emails: values }),
          PUT: () => client.ask('PUT', `/Users/${id}`, { schemas: [USER], userName: 'victim', emails: values }),
          PATCH: () => client.patch(`/Users/${id}`, [add(values)]),
          'PATCH of a full one': () => client.patch(`/Users/${full}`, [add([{ value: 'one more' }])]),
          operations: () =>
            client.patch(
              `/Users/${id}`,
              values.map((one) => add([one])),
            ),
          'operations that add up': () => client.patch(`/Users/${id}`, [add(many), add([{ value: 'one more' }])]),
        })) {
          refused(t, await ask(), '400 invalidValue', label)
        }
      })
      t.equal((await client.patch(`/Users/${full}`, [{ op: 'remove', path: 'emails', value: many }])).status, 200)
      const one = { op: 'remove', path: `members[value eq "${full}"]` }
      t.equal(
        (
          await client.patch(
            `/Groups/${group}`,
            Array.from({ length: 5_000 }, () => one),
          )
        ).status,
        204,
      )
    },
  )

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
