/** A browser that keeps cookies by origin and follows nothing by itself. */
export class Browser {
  readonly cookies = new Map<string, Map<string, string>>()

  async ask(url: string, init: RequestInit = {}): Promise<Response> {
    const { host, origin } = new URL(url)
    const jar = this.cookies.get(host) ?? new Map<string, string>()
    this.cookies.set(host, jar)
    const headers = new Headers(init.headers)
    headers.set('cookie', [...jar].map(([name, value]) => `${name}=${value}`).join('; '))
    if (init.method === 'POST' && !headers.has('origin')) headers.set('origin', origin)
    const response = await fetch(url, { ...init, headers, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      if (value === '' || /Max-Age=0|01 Jan 1970/i.test(line)) jar.delete(name)
      else jar.set(name, value)
    }
    return response
  }

  /** Follows redirects while `go` says so of where they lead; the answer is where it stopped. */
  async follow(url: string, go: (next: string) => boolean): Promise<{ response: Response; stopped?: string }> {
    for (let at = url, hops = 0; ; hops += 1) {
      const response = await this.ask(at)
      const location = response.headers.get('location')
      if (location === null || hops > 15) return { response }
      at = new URL(location, at).href
      if (!go(at)) return { response, stopped: at }
    }
  }

  post = (url: string, form: Readonly<Record<string, string>>, headers: Readonly<Record<string, string>> = {}) =>
    this.ask(url, { method: 'POST', body: new URLSearchParams(form), headers })
}
