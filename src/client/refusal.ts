/** An error of the system with its name. */
export type Refusal = Error & { readonly code: string }

/** Returns true for an error of the system, as opposed to an internal error. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** Texts for the kernel's errors when it refuses a packet or a connection fails (connect(2), sendto(2), bind(2)). */
const REASONS: Readonly<Record<string, string>> = {
  ENETUNREACH: 'no route to its network',
  EHOSTUNREACH: 'no route to it',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'the source address is not one of this machine',
  EINVAL: 'the address needs a zone, or the source does not fit it',
  EACCES: 'forbidden by the system',
  EPERM: 'forbidden by a local firewall',
  EMSGSIZE: 'the packet is too large',
  EAFNOSUPPORT: 'this machine does not support its address family',
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'the connection was reset',
  ETIMEDOUT: 'it does not answer',
}

/** Returns the reason of the system's error as text, or its name. */
export function reasonFor({ code }: Refusal): string {
  return REASONS[code] ?? code
}
