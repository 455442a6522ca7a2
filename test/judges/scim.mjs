// scim2-tester (PyPI's): the checks of RFC 7643 and RFC 7644 that others wrote, as an identity provider of Space Odyssey's.
import { join } from 'node:path'
import { judge, Reader, run, serveDemo } from './support.mjs'

const PACKAGES = ['scim2-tester==0.5.2', 'scim2-client[httpx2]==0.13.2', 'scim2-models==0.12.3']

/** The tester is installed for this run alone. */
async function installTester(it) {
  const folder = join(it.directory, 'tester')
  await run('python3', ['-m', 'venv', folder])
  const python = join(folder, 'bin/python')
  await run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', ...PACKAGES], { seconds: 180 })
  return python
}

await judge('scim', async (it) => {
  const server = await serveDemo(it)
  const python = await installTester(it)
  const { token, url } = await server.kith('scim-token', 'create', '--organization', 'Space Odyssey')
  const ask = async (path) => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    return await response.json()
  }
  /** Each user and group, as its identity provider reads it. */
  const everything = async () => {
    const [users, groups] = await Promise.all([ask('/Users?count=1000'), ask('/Groups?count=1000')])
    return [...users.Resources, ...groups.Resources].map((one) => [one.id, one]).sort()
  }

  const before = await everything()
  const asRyan = new Reader(server, server.ryan)
  const cards = await asRyan.cards()
  const { token: changes } = await asRyan.sync()

  const script = join(import.meta.dirname, 'scim.py')
  const tester = async (mode) => {
    const { stdout } = await run(python, [script, url], { input: `${token}\n`, seconds: 120 })
    const results = JSON.parse(stdout)
    for (const { status, title, on, reason } of results) {
      it.ok(status === 'SUCCESS', `${mode}: ${title}${on ? ` of ${on}` : ''}`, `${status}: ${reason}`)
    }
    return results
  }
  const results = await tester('lenient')
  await server.kith('connector', 'update', 'default', '--organization', 'Space Odyssey', '--strict')
  const strict = await tester('strict')
  it.equal(strict.length, results.length, 'as much is looked at where nothing is forgiven')

  const tags = new Set(results.flatMap((result) => result.tags))
  for (const tag of ['discovery', 'crud:create', 'crud:read', 'crud:update', 'crud:delete', 'patch:add']) {
    it.ok(tags.has(tag), `the tester looked at ${tag}`)
  }
  for (const tag of ['patch:remove', 'patch:replace', 'misc']) it.ok(tags.has(tag), `the tester looked at ${tag}`)
  for (const name of ['User', 'Group']) {
    const patched = results.filter(({ on, tags: [tag] }) => on === name && tag?.startsWith('patch:'))
    it.ok(patched.length >= 8, `the tester patched a ${name}`, String(patched.length))
  }

  it.equal(await everything(), before, 'every user and group is as it was')
  it.equal(await asRyan.cards(), cards, 'and so is every card on a phone')
  const { status, hrefs } = await asRyan.sync(changes)
  it.equal(status, 207, 'whose next sync')
  it.ok(hrefs.length > 20, 'hears of those who came and went', String(hrefs.length))
  it.ok(
    hrefs.every((href) => !cards.has(href)),
    'and of nobody else',
  )
})
