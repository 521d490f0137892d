//! A caller who is called back to log in: the callback is the server's, the login on the return call is the launcher's.

use std::path::Path;

use crate::rig::account::Account;
use crate::rig::folder::Folder;
use crate::rig::programs;
use crate::rig::server::Server;
use crate::rig::terminal::Terminal;
use crate::stage;

#[test]
fn a_caller_is_called_back_and_logs_in_through_the_launcher() {
    let needs = ["/bin/login", "/usr/sbin/useradd"];
    if !programs::there("a login on the return call, by the launcher", &needs) {
        return;
    }
    let account = Account::new(&[]);
    let folder = Folder::new();
    let town = stage(&folder, "cback - - /usr/sbin/callback -S 5550199\n* - - /bin/login @\n");
    let config = folder.path("dialback.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    // The town's clock is fast, and so is its callback.
    let quick = "[callback]\ndelay = \"200ms\"\njitter = \"0s\"\nsoonest_connect = \"0s\"\n";
    folder.write("dialback.toml", &(text + quick));
    let mut server = Server::ready(&folder, 1);
    let mut terminal = Terminal::on(Path::new(town.port("alice")));
    terminal.say("ATZ\r");
    terminal.until("OK");
    terminal.say("ATDT5550100\r");
    terminal.until("ogin: ");
    terminal.say("cback\r");
    terminal.until("NO CARRIER");
    terminal.until("RING");
    terminal.say("ATA\r");
    terminal.until("ogin: ");
    terminal.say(&format!("{}\r", account.name));
    terminal.until("assword: ");
    terminal.say(&format!("{}\r", account.password));
    terminal.until("$ ");
    // The shell is his, on a terminal of his, in his session; nothing of the server's binds it.
    terminal.say("echo $(id -un) $(cut -d' ' -f7 /proc/$$/stat | grep -c '^0$') $(grep -c 'NoNewPrivs:.0' /proc/$$/status) end\r");
    terminal.until(&format!("\n{} 0 1 end\r", account.name));
    terminal.say("exit\r");
    terminal.until("NO CARRIER");
    server.until("kept");
    assert_eq!(server.until("launched")["program"], "/bin/login");
    assert_eq!(server.until("ended")["cause"], "user-request");
    server.stop();
}
