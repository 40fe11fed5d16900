<?php
// SPDX-License-Identifier: MIT
// A page of a framework: some 200 files are loaded and wired, then one request is routed, handled and rendered. In classic mode both
// are done for each request, in worker mode only the second. The classes are made by harness/framework.py.
namespace Bench;

final class Application
{
    private array $services = [];
    private array $routes = [];
    private array $listeners = [];

    public function __construct()
    {
        foreach (require __DIR__ . '/classes/services.php' as $name => [$class, $inner]) {
            $this->services[$name] = new $class($inner === null ? null : $this->services[$inner]);
        }
        foreach ($this->services as $name => $service) {
            $this->routes["#^/$name/(?<id>\\d+)$#"] = $name;
            foreach ($service->events() as $event => $priority) {
                $this->listeners[$event][$priority][] = $service->on(...);
            }
        }
        array_walk($this->listeners, fn (array &$of_event) => krsort($of_event));
    }

    public function handle(string $path): string
    {
        $rows = [];
        foreach ($this->routes as $pattern => $name) {
            if (preg_match($pattern, $path, $found)) {
                $rows = $this->services[$name]->rows((int) $found['id']);
                break;
            }
        }
        foreach (['request', 'controller', 'response'] as $event) {
            foreach (array_merge(...$this->listeners[$event]) as $listener) {
                $rows = $listener($event, $rows);
            }
        }
        $html = '<!DOCTYPE html><title>Rows</title><table>';
        foreach ($rows as $row) {
            $html .= '<tr><td>' . implode('<td>', array_map('htmlspecialchars', $row));
        }
        return "$html</table>\n";
    }
}

spl_autoload_register(function (string $class): void {
    require __DIR__ . '/classes/' . substr($class, 6) . '.php';
});
$application = new Application();
$serve = function () use ($application): void {
    header('Content-Type: text/html; charset=UTF-8');
    echo $application->handle($_GET['path'] ?? '/service150/7');
};
if (!isset($_SERVER['FRANKENPHP_WORKER'])) {
    $serve();
    return;
}
while (\frankenphp_handle_request($serve)) {
    gc_collect_cycles();
}
