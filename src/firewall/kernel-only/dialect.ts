/** The program that reads the rules: nft(8), or iptables-restore(8) and ip6tables-restore(8). */
export type Dialect = 'nft' | 'iptables'
