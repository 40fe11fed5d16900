<?php
/* Old versions make PHP report deprecations; they go nowhere.
 * SPDX-License-Identifier: MIT */

return [
    'default' => 'errorlog',
    'deprecations' => 'null',
    'channels' => [
        'errorlog' => ['driver' => 'errorlog', 'level' => 'debug'],
        'null' => ['driver' => 'monolog', 'handler' => Monolog\Handler\NullHandler::class],
    ],
];
