<?php
// A save handler that is set once, while the script boots.
declare(strict_types=1);

final class BootStore extends SessionHandler
{
    public static int $reads = 0;

    public function read(string $id): string|false
    {
        self::$reads++;
        return parent::read($id);
    }
}

session_set_save_handler(new BootStore, false);
session_name('BOOTSESSION');
$handler = function (): void {
    session_start();
    $_SESSION['n'] = ($_SESSION['n'] ?? 0) + 1;
    echo json_encode([session_id(), $_SESSION['n'], session_name(), BootStore::$reads, session_module_name()]);
    if (isset($_GET['throw'])) {
        throw new LogicException('with an own handler');
    }
};
if (isset($_SERVER['FRANKENPHP_WORKER'])) {
    while (frankenphp_handle_request($handler)) {
    }
} else {
    $handler();
}
