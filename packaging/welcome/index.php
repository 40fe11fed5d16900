<?php
// SPDX-License-Identifier: MIT
// The first page of a fresh installation: says that PHP answers, and what to change. Tells strangers nothing about the machine.
declare(strict_types=1);
header('Cache-Control: no-store');
?>
<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>phpsrv works</title>
<style>
    body { font: 16px/1.5 system-ui, sans-serif; max-width: 42em; margin: 3em auto; padding: 0 1em; color: #222; background: #fff }
    code, pre { background: #f2f2f4; border-radius: 4px; padding: .1em .3em }
    pre { padding: .7em 1em; overflow-x: auto }
    @media (prefers-color-scheme: dark) { body { color: #ddd; background: #1b1b1f } code, pre { background: #2b2b31 } }
</style>
<h1>phpsrv works</h1>
<p>This page was made by PHP at <?= gmdate('H:i:s') ?> UTC. To serve a site of your own, name its folder in
<code>/etc/phpsrv/phpsrv.toml</code>:</p>
<pre>[site]
docroot = "/srv/site/public"</pre>
<p>and take it over:</p>
<pre>phpsrv --config /etc/phpsrv/phpsrv.toml --check-config
systemctl reload phpsrv</pre>
<p>The manual: <code>man phpsrv</code>, <code>/usr/share/doc/phpsrv</code>.</p>
</html>
