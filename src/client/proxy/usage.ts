/** The output of `postern proxy --help`. */
export const PROXY_USAGE = `usage: postern proxy [OPTION]... HOST PORT

Knocks as the section of HOST in ~/.config/postern/config says, connects to PORT
as soon as it is open, and passes on what comes in and goes out. Connects
without a knock where HOST has no section. For ssh, and all that runs over it,
in ~/.ssh/config:

  Host gate.example.org
      ProxyCommand postern proxy -F %h %p
      ProxyUseFdpass yes

Without -F and the last line all data passes through this program, which is
slower; other programs than ssh, and systems other than Linux, need that.

  -c, --config FILE   default: ~/.config/postern/config
  -F, --pass-fd       hand over the connection itself, and end
  -v, --verbose       print on standard error what is sent
  -h, --help          show this help

The section of a host says how it is opened (postern.config(5)):

  [gate.example.org]
  Knock     = 5127,8841:udp,2309

exit status: 0 the connection has ended, or is handed over, 1 it could not be
made, or broke, 2 usage
`
