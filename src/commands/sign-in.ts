import type { Config } from '../config.ts'
import type { Command } from './command.ts'

export const signInCommands = ({ publicUrl }: Config): readonly Command[] => [
  {
    name: 'login-link',
    summary: 'Makes a link that signs a user in on the web: once, within 10 minutes.',
    options: { user: { type: 'string', help: 'e-mail or id', required: true } },
    run: async ({ users, webSessions }, input) => {
      const user = await users.get(input.required('user'))
      // behind the #: no browser sends that to a server, so no log has it
      const url = `${publicUrl}/login/link#${await webSessions.createLink(user)}`
      return { json: { user: user.id, url }, text: `Open this within 10 minutes; it works once:\n\n  ${url}` }
    },
  },
]
