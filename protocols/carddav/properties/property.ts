import type { BookChanges } from '#domain'
import type { QName } from '../names.ts'
import type { Context, Resource, ResourceKind } from '../resources.ts'

type OfKind<Kind extends ResourceKind> = Extract<Resource, { readonly kind: Kind }>

/**
 * A property that the server works out (RFC 4918 §4.2). `read` gives ready-made XML content, or undefined where the
 * resource has none (404). A card's is read row by row, so it has to be there without asking anybody.
 */
export interface LiveProperty<Kind extends ResourceKind = ResourceKind> {
  readonly name: QName
  /** The kinds of resource that have it. */
  readonly on: readonly Kind[]
  /** Whether allprop returns it (RFC 4918 §9.1: what is not expensive and RFC 4918 defines). */
  readonly allprop: boolean
  /** Of a card nothing but its name, ETag and text is read: a listing then reads no more. */
  readonly ofTag?: true
  read(resource: OfKind<Kind>, context: Context): string | undefined | Promise<string | undefined>
  /**
   * What setting it changes of a book (undefined: removing it), or 'kept' where it is kept as the client writes it. Without
   * it the property is protected.
   */
  readonly change?: 'kept' | ((text: string | undefined) => BookChanges)
}

export const liveProperty = <const Kind extends ResourceKind>(property: LiveProperty<Kind>): LiveProperty =>
  property as unknown as LiveProperty // only ever called with a resource of one of its kinds (`of` in index.ts)
