// SPDX-License-Identifier: MIT OR Apache-2.0
pragma solidity 0.8.37;

interface ICollection {
    function nextTokenId() external view returns (uint256);
    function tokenURI(uint256 tokenId) external view returns (string memory);
}

/// A contract that is given tokens or ether, and behaves as the test says.
contract Receiver {
    /// What it does when it is given a token.
    enum Mode {
        Accept,
        WrongAnswer,
        Revert,
        Call,
        Silent
    }

    Mode public mode;
    bool public takesEther;
    address public target;
    bytes public data;
    uint256 public received;
    uint256 public seenNext;
    string public seenURI;

    error No();

    function set(Mode mode_, bool takesEther_, address target_, bytes calldata data_) external {
        (mode, takesEther, target, data) = (mode_, takesEther_, target_, data_);
    }

    /// Does something as this contract.
    function act(address to, bytes calldata what) external payable returns (bytes memory) {
        return _call(to, what, msg.value);
    }

    function onERC721Received(address, address, uint256 tokenId, bytes calldata) external returns (bytes4) {
        if (mode == Mode.WrongAnswer) return 0xdeadbeef;
        if (mode == Mode.Revert) revert No();
        if (mode == Mode.Silent) {
            assembly {
                revert(0, 0)
            }
        }
        ++received;
        if (received == 1) {
            seenNext = ICollection(msg.sender).nextTokenId();
            seenURI = ICollection(msg.sender).tokenURI(tokenId);
        }
        if (mode == Mode.Call) _call(target, data, 0);
        return this.onERC721Received.selector;
    }

    receive() external payable {
        if (!takesEther) revert No();
        if (mode == Mode.Call) _call(target, data, 0);
    }

    function _call(address to, bytes memory what, uint256 value) private returns (bytes memory) {
        (bool ok, bytes memory answer) = to.call{value: value}(what);
        if (!ok) {
            assembly {
                revert(add(answer, 32), mload(answer))
            }
        }
        return answer;
    }
}
