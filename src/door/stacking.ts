/** A plain iptables command: its path, options, the command for the rule, the chain, a number, the rest. */
const RULE =
  /^(?<program>(?:\/[\w./-]*\/)?ip6?tables(?:-nft|-legacy)?)(?<before>(?:\s+(?:-w|--wait)(?:\s+\d+)?|\s+(?:-t|--table)\s+\w+)*)\s+(?:-A|--append|-I|--insert)\s+(?<chain>[\w.-]+)(?:\s+\d+)?(?<rest>(?:\s+[\w!./:,=-]+)+)\s*$/

/**
 * Returns the command (`-C`, iptables(8)) whose exit status tells if the rule of `iptables -A` or `-I` exists.
 * `undefined` for anything else: no command is guessed.
 */
export function probeOf(command: string): string | undefined {
  const groups = RULE.exec(command.trim())?.groups
  if (groups === undefined) return undefined
  const { program, before = '', chain, rest } = groups
  return `${program}${before} -C ${chain}${rest}`
}

/**
 * Returns true if {@link probeOf} knows the command and it inserts its rule ahead of others (`-I`). Such a rule may
 * exist without effect, behind a rule that was inserted later.
 */
export function insertsRule(command: string): boolean {
  return /\s(?:-I|--insert)\s/.test(command) && probeOf(command) !== undefined
}
