/** What `postern proxy --help` prints. */
export const PROXY_USAGE = `usage: postern proxy [OPTION]... HOST PORT

Knocks as ~/.config/postern/config says for HOST, connects to PORT as soon as it
is open, and passes on what comes in and goes out. A host that no section there
is for is connected to without a knock. It is for ssh and all that runs over it,
in ~/.ssh/config:

  Host gate.example.org
      ProxyCommand postern proxy -F %h %p
      ProxyUseFdpass yes

Without the last line, and without -F, all that comes and goes passes through
here, which is slower; other programs, and systems but Linux, need it that way.

  -c, --config FILE   in place of ~/.config/postern/config
  -F, --pass-fd       hand over the connection itself, and end
  -v, --verbose       say on standard error what is sent
  -h, --help          print this

A host's section says how it is opened (postern.config(5)):

  [gate.example.org]
  Knock     = 5127,8841:udp,2309

exit codes: 0 the connection has ended, or is handed over, 1 it did not
come about or broke, 2 usage
`
