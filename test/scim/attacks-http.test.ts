import { gzipSync } from 'node:zlib'
import t from 'tap'
import { ask } from '../support/kith.ts'
import { problem, startAttack, USER } from '../support/scim.ts'

t.test('attacks on SCIM over HTTP', async (t) => {
  const { scim, client, id, group, untouched, refused } = await startAttack(t)

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
    const bare = await client.ask('POST', '/Users', body.replace('typed', 'bare'), { 'content-type': undefined })
    t.equal(bare.status, 201, 'none')
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
    for (const method of ['TRACE', 'PROPFIND', 'REPORT', 'MKCOL', 'LOCK']) {
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
      if (answer.status >= 400) t.equal(problem(answer), undefined, path)
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
})
