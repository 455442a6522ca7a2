import type { Line, Parameter } from './syntax.ts'
import { keepTypes, parameterValues, splitTypes, types, without } from './value.ts'

/** What is no service. */
const PLACES: ReadonlySet<string> = new Set(['home', 'work', 'other'])

/** Apple's TYPE=twitter and X-USER are RFC 9554's SERVICE-TYPE and USERNAME (§4.9, §4.10). */
export function serviceTo4(parameters: readonly Parameter[]): Parameter[] {
  const given = parameters.some(({ name }) => name === 'SERVICE-TYPE')
  const service = given ? undefined : types({ parameters }).find((type) => !PLACES.has(type))
  const own = splitTypes(parameterValues({ parameters }, 'TYPE')).find((value) => value.toLowerCase() === service)
  const renamed = keepTypes(parameters, (type) => type !== service).map((parameter) =>
    parameter.name === 'X-USER' ? { ...parameter, name: 'USERNAME' } : parameter,
  )
  return own === undefined ? renamed : [...renamed, { name: 'SERVICE-TYPE', values: [own] }]
}

/** The service comes first: that is the TYPE by which it is found again. */
export const serviceTo3 = (parameters: readonly Parameter[]): Parameter[] => [
  ...parameters.filter(({ name }) => name === 'SERVICE-TYPE').map(({ values }) => ({ name: 'TYPE', values })),
  ...without(parameters, 'SERVICE-TYPE').map((parameter) =>
    parameter.name === 'USERNAME' ? { ...parameter, name: 'X-USER' } : parameter,
  ),
]

/** Whether Apple's form of a SOCIALPROFILE says all that it says, so that it may have it. */
export const hasOldForm = ({ parameters }: Line): boolean =>
  written(serviceTo4(serviceTo3(parameters))) === written(parameters)

const written = (parameters: readonly Parameter[]): string =>
  parameters
    .flatMap(({ name, values }) => (name === 'TYPE' ? splitTypes(values) : values).map((value) => `${name}=${value}`))
    .sort()
    .join('\n')
