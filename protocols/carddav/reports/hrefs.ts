const HREF = /<D:href>([^<]*)<\/D:href>/g

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>' }

/** What `escapeXml` wrote, as it was. */
const unescapeXml = (text: string): string =>
  text.replace(/&(?:#(\d+)|(amp|lt|gt));/g, (_, code, name) =>
    name === undefined ? String.fromCharCode(Number(code)) : (NAMED[name] ?? ''),
  )

/** The hrefs in a property's value, as we write it. */
export const hrefsIn = (value: string): string[] => [...value.matchAll(HREF)].map(([, href = '']) => unescapeXml(href))

/** The value with something else in the place of each href. */
export async function replaceHrefs(
  value: string,
  replace: (href: string) => Promise<string | undefined>,
): Promise<string> {
  let out = ''
  let done = 0
  for (const match of value.matchAll(HREF)) {
    const [whole, href = ''] = match
    out += value.slice(done, match.index) + ((await replace(unescapeXml(href))) ?? whole)
    done = match.index + whole.length
  }
  return out + value.slice(done)
}
