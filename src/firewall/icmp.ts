/** The ICMP types that hosts answer or need, in the syntax of nft(8): errors, and echo requests. */
export const ICMP_NEEDED = 'destination-unreachable, time-exceeded, parameter-problem, echo-request'
/**
 * The ICMPv6 types that IPv6 requires (RFC 4890, 4.4): errors (1 to 4), echo, multicast listeners (130 to 132, 143),
 * routers and neighbours (133 to 136, 141, 142, 148, 149), multicast routers (151 to 153).
 */
export const ICMPV6_NEEDED = '1-4, 128-136, 141-143, 148-149, 151-153'
