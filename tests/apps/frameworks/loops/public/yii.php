<?php
/* In the shape of Yii's runner: a function of the server says that this is worker mode, the callback's value is true, the
 * application is told when the loop is over.
 * SPDX-License-Identifier: MIT */

require __DIR__ . '/../application.php';

final class Runner
{
    private Application $application;

    public function __construct(private int $requestsMax)
    {
        $this->application = new Application();
    }

    public function run(): void
    {
        if (!function_exists('\frankenphp_handle_request')) {
            $this->application->run();
            return;
        }
        $count = 0;
        do {
            $goesOn = \frankenphp_handle_request(function (): bool {
                $this->application->run();
                return true;
            });
            $this->application->afterwards();
            gc_collect_cycles();
        } while ($goesOn && ($this->requestsMax === 0 || ++$count < $this->requestsMax));
        Boot::note('shut-down-' . Boot::$id, "after $count");
    }
}

(new Runner((int) ($_SERVER['MAX_REQUESTS'] ?? 0)))->run();
