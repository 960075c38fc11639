/** One plain iptables command: its path, options before the rule's command, the command, the chain, a number, the rest. */
const RULE =
  /^(?<program>(?:\/[\w./-]*\/)?ip6?tables(?:-nft|-legacy)?)(?<before>(?:\s+(?:-w|--wait)(?:\s+\d+)?|\s+(?:-t|--table)\s+\w+)*)\s+(?:-A|--append|-I|--insert)\s+(?<chain>[\w.-]+)(?:\s+\d+)?(?<rest>(?:\s+[\w!./:,=-]+)+)\s*$/

/**
 * The command that tells, by its exit code, whether the rule of a plain `iptables -A` or `-I` command is in place
 * already (`-C`, iptables(8)). `undefined` for anything else: a command is never guessed at.
 */
export function probeOf(command: string): string | undefined {
  const groups = RULE.exec(command.trim())?.groups
  if (groups === undefined) return undefined
  const { program, before = '', chain, rest } = groups
  return `${program}${before} -C ${chain}${rest}`
}

/**
 * Whether a command is one that {@link probeOf} knows and puts its rule ahead of others (`-I`): it may be in place and
 * yet without effect, behind a rule that was inserted later.
 */
export function insertsRule(command: string): boolean {
  return /\s(?:-I|--insert)\s/.test(command) && probeOf(command) !== undefined
}
