import { DAV } from '../names.ts'
import { acl } from '../properties/rfc3744-access.ts'
import { type Context, findResource, OPEN_KINDS, type Resource } from '../resources.ts'
import { Responses } from '../responses.ts'
import { parsePath } from '../urls.ts'
import { wanted } from '../wanted.ts'
import type { XmlElement } from '../xml.ts'
import { hrefsIn } from './hrefs.ts'
import type { Report } from './report.ts'

/** RFC 3744 §9.2: the principals that the resource's entries are about. */
export const aclPrincipalPropSet: Report = {
  name: DAV('acl-principal-prop-set'),
  on: OPEN_KINDS,
  depth: '0',
  run: async (root: XmlElement, resource: Resource, context: Context) => answer(root, resource, context),
}

async function* answer(root: XmlElement, resource: Resource, context: Context): AsyncGenerator<string> {
  const responses = new Responses(wanted(root), context)
  for (const href of new Set(hrefsIn((await acl.read(resource, context)) ?? ''))) {
    const address = parsePath(href)
    const principal = address?.kind === 'principal' ? await findResource(context, address, 'none') : undefined
    if (principal?.kind === 'principal' || principal?.kind === 'colleague') yield await responses.of(principal)
  }
}
