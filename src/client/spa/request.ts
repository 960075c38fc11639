import type { Family } from '../../packet/address.ts'
import type { Address } from '../../packet/address.ts'
import type { Port } from '../../spa/fwknop/request.ts'

/** UDP port packets go to where nobody says otherwise: fwknop's. */
export const SPA_PORT_DEFAULT = 62_201

/** Whom to ask the door to be opened for; `own`: the address this machine sends from. */
export type Claim =
  { readonly kind: 'own' } | { readonly kind: 'source' } | { readonly kind: 'address'; readonly address: Address }

/** What all packets have in common. */
export interface SpaCommon {
  /** A name or address, or what the client's files call it. */
  readonly host: string
  readonly family: Family | undefined
  readonly source: string | undefined
  readonly claim: Claim | undefined
  /** UDP port to send to. */
  readonly port: number | undefined
  /** Seconds to keep the door open. */
  readonly seconds: number | undefined
  /** TCP port that must be open afterwards. */
  readonly verify: number | undefined
  readonly retry: number
  readonly verbose: boolean
}

/** A packet of fwknop's. */
export interface FwknopRequest extends SpaCommon {
  readonly protocol: 'fwknop'
  /** `undefined`: ~/.fwknoprc, if there is one. `null`: none. */
  readonly rcFile: string | undefined | null
  /** `undefined`: the one that is called as the host. */
  readonly stanza: string | undefined
  readonly keyFile: string | undefined
  readonly access: readonly Port[] | undefined
  readonly command: string | undefined
  readonly nat: string | undefined
  readonly natLocal: boolean
  readonly natPort: number | undefined
  readonly user: string | undefined
}

/** A packet of our own. */
export interface PosternRequest extends SpaCommon {
  readonly protocol: 'postern'
  /** `undefined`: ~/.config/postern/config. */
  readonly configFile: string | undefined
  readonly door: string | undefined
  readonly access: readonly Port[] | undefined
  /** File of our secret key. */
  readonly keyFile: string | undefined
  /** The server's public key, as `postern keygen server` prints it. */
  readonly serverKey: string | undefined
}

/** A SYN of knockknock's. */
export interface KnockknockRequest extends SpaCommon {
  readonly protocol: 'knockknock'
  /** TCP port to be opened. */
  readonly open: number
  /** `undefined`: ~/.knockknock/HOST. */
  readonly profile: string | undefined
}

/** What `knock --spa` is asked for. */
export type SpaRequest = FwknopRequest | PosternRequest | KnockknockRequest
