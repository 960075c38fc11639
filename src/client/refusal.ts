/** An error of the system, by its name. */
export type Refusal = Error & { readonly code: string }

/** Whether the system refused, rather than a fault of our own. */
export function isRefusal(error: unknown): error is Refusal {
  return error instanceof Error && 'code' in error && typeof error.code === 'string'
}

/** What the kernel says when it does not take a packet, or a connection does not come about (connect(2), sendto(2), bind(2)), in words. */
const REASONS: Readonly<Record<string, string>> = {
  ENETUNREACH: 'no route to its network',
  EHOSTUNREACH: 'no route to it',
  ENETDOWN: 'the network is down',
  EADDRNOTAVAIL: 'the source address is not one of this machine',
  EINVAL: 'the address needs a zone, or the source does not fit it',
  EACCES: 'forbidden by the system',
  EPERM: 'forbidden by a local firewall',
  EAFNOSUPPORT: 'this machine does not speak its family',
  ECONNREFUSED: 'it refuses connections',
  ECONNRESET: 'the connection was reset',
  ETIMEDOUT: 'it does not answer',
}

/** Why the system refused, in words where there are some. */
export function reasonFor({ code }: Refusal): string {
  return REASONS[code] ?? code
}
