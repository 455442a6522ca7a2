import { nameLine } from './shown-cards.ts'

/** Of the card `c`. */
export const NAME_LINE = nameLine('c.text')

/** A time in whole microseconds, which a Date has not, and back; exact until the year 2255. */
export const micros = (time: string): string => `(extract(epoch from ${time}) * 1000000)::bigint`
export const atMicros = (parameter: number): string =>
  `('epoch'::timestamptz + $${parameter}::bigint * interval '1 microsecond')`

/** Before every other id. */
export const NO_ID = '00000000-0000-0000-0000-000000000000'

/** A row as it is selected, whose name may be missing. */
export type Nullable<Named extends { readonly nameLine?: string }> = Omit<Named, 'nameLine'> & {
  readonly nameLine: string | null
}
export const present = <Named>({ nameLine, ...row }: Named & { readonly nameLine: string | null }) => ({
  ...row,
  ...(nameLine === null ? {} : { nameLine }),
})
