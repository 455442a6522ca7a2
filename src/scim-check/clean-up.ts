import { type Answer, at, listAt, textAt } from './answer.ts'
import { withQuery } from './check.ts'
import type { Client } from './client.ts'

/** What was made and could not be deleted: its address, and why. */
export interface Left {
  readonly url: string
  readonly why: string
}

/**
 * Deletes what the checks made: groups before their members, and also what was made without telling, which its name
 * gives away. Nothing without that prefix is touched, whatever the server's filter says.
 */
export async function cleanUp(client: Client, prefix: string): Promise<Left[]> {
  const untold = [
    ...(await named(client, '/Groups', 'displayName', prefix)),
    ...(await named(client, '/Users', 'userName', prefix)),
  ]
  const all = [...new Set([...client.made, ...untold])]
  const left: Left[] = []
  for (const path of all.sort((one, other) => rank(one) - rank(other))) {
    const why = await refusalOf(client.delete(path))
    if (why !== undefined) left.push({ url: client.base + path, why })
  }
  return left
}

const rank = (path: string): number => (path.startsWith('/Groups/') ? 0 : 1)

async function refusalOf(deleting: Promise<Answer>): Promise<string | undefined> {
  try {
    const { status, json } = await deleting
    if (status < 300 || status === 404) return undefined
    return `${status} ${textAt(json, 'detail')}`.trim()
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

/** Those of a kind whose name begins so: what a request made that never got its answer is there too. */
async function named(client: Client, place: string, attribute: string, prefix: string): Promise<string[]> {
  try {
    const query = { filter: `${attribute} sw "${prefix}"`, attributes: attribute, count: 200 }
    const { json } = await client.get(withQuery(place, query))
    return listAt(json, 'Resources')
      .filter((one) => String(at(one, attribute)).toLowerCase().startsWith(prefix))
      .map((one) => `${place}/${encodeURIComponent(textAt(one, 'id'))}`)
  } catch {
    return [] // it does not answer: what is known to be made is tried all the same
  }
}
