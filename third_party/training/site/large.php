<?php
// SPDX-License-Identifier: MIT
// Much output in small pieces, through output buffers and past them; and text of other formats.
header('Content-Type: text/plain; charset=utf-8');
ob_start(static fn(string $chunk): string => str_replace('@@', '@', $chunk), 2048);
for ($i = 0; $i < 600; $i++) {
    echo 'Line ', $i, ': ', str_repeat('@@.', $i % 20), "\n";
    if ($i % 200 === 199) {
        ob_flush();
        flush();
    }
}
ob_end_flush();
printf("%s %d\n", 'done', $i);
if (extension_loaded('simplexml') && extension_loaded('dom')) {
    $items = '';
    for ($i = 0; $i < 20; $i++) {
        $items .= "<item id=\"$i\"><title>Item &amp; $i</title><price>" . $i * 2.5 . '</price></item>';
    }
    $xml = simplexml_load_string("<?xml version=\"1.0\"?><list>$items</list>");
    foreach ($xml->item as $item) {
        echo $item['id'], '=', $item->title, ' ', (float) $item->price, "\n";
    }
    $document = new DOMDocument();
    $document->loadXML("<list>$items</list>");
    foreach ((new DOMXPath($document))->query('//item[price > 20]/title') as $node) {
        echo $node->textContent, $node->parentNode->getAttribute('id');
    }
    echo strlen($document->saveXML());
}
readfile(__DIR__ . '/views/list.php');
