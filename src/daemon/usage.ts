/** The output of `knockd --help`. */
export const USAGE = `usage: knockd [OPTION]...

Listens for knocks, and opens the doors of its config to anyone who sends the
correct knock.

  -i, --interface NAME   listen on this interface, may be repeated; any is all
                         of them. Default: eth0, or the default route's
  -c, --config FILE      the config; default: /etc/knockd.conf
  -d, --daemon           go into the background once it listens
  -p, --pidfile FILE     the pid file of -d, unless the config has a PidFile;
                         default: /var/run/knockd.pid
  -g, --logfile FILE     log to this file, unless the config has a LogFile
  -l, --lookup           log host names beside addresses
  -4, --only-ip-v4       ignore IPv6
  -v, --verbose          print on standard output what is logged
  -D, --debug            log why knocks fail
  -V, --version          show the version
  -h, --help             show this help

examples:
  postern check /etc/knockd.conf && knockd -d
  knockd -i eth0 -i wg0 -v -D -c ./knockd.conf

exit status: 0 done, 1 failure, 2 usage, 78 the config cannot be used
signals: HUP reads the config again; INT and TERM close what is open, and end it
`
