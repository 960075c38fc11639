import type { Family } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { Port } from '../../peer/fwknop/request.ts'

/** The default UDP port of packets (fwknop's). */
export const SPA_PORT_DEFAULT = 62_201

/** The address that the door is opened for; `own` is this machine's source address. */
export type Claim =
  { readonly kind: 'own' } | { readonly kind: 'source' } | { readonly kind: 'address'; readonly address: Address }

/** The settings that all packets have in common. */
export interface SpaCommon {
  /** A name or address, or its name in the client's files. */
  readonly host: string
  readonly family: Family | undefined
  readonly source: string | undefined
  readonly claim: Claim | undefined
  /** The UDP port to send to. */
  readonly port: number | undefined
  /** The seconds to keep the door open. */
  readonly seconds: number | undefined
  /** The TCP port that must be open afterwards. */
  readonly verify: number | undefined
  readonly retry: number
  readonly verbose: boolean
}

/** A request with an fwknop packet. */
export interface FwknopRequest extends SpaCommon {
  readonly protocol: 'fwknop'
  /** The rc file; `undefined` for ~/.fwknoprc if it exists, and `null` for none. */
  readonly rcFile: string | undefined | null
  /** The stanza; `undefined` for the one named like the host. */
  readonly stanza: string | undefined
  readonly keyFile: string | undefined
  readonly access: readonly Port[] | undefined
  readonly command: string | undefined
  readonly nat: string | undefined
  readonly natLocal: boolean
  readonly natPort: number | undefined
  readonly user: string | undefined
}

/** A request with a Postern packet. */
export interface PosternRequest extends SpaCommon {
  readonly protocol: 'postern'
  /** The config file; `undefined` for ~/.config/postern/config. */
  readonly configFile: string | undefined
  readonly door: string | undefined
  readonly access: readonly Port[] | undefined
  /** The file of the user's secret key. */
  readonly keyFile: string | undefined
  /** The server's public key, as printed by `postern keygen server`. */
  readonly serverKey: string | undefined
  /** The door's SPA_Max_Age in milliseconds, if it is not the default. */
  readonly maxAgeMs: number | undefined
}

/** A request with a knockknock SYN. */
export interface KnockknockRequest extends SpaCommon {
  readonly protocol: 'knockknock'
  /** The TCP port to open. */
  readonly open: number
  /** The profile; `undefined` for ~/.knockknock/HOST. */
  readonly profile: string | undefined
}

/** A request of `knock --spa`. */
export type SpaRequest = FwknopRequest | PosternRequest | KnockknockRequest
